"""The look of the page, and what it says to a reader who has not seen the project."""

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 80rem; margin: 0 auto; padding: 1rem;
  color: var(--ink); background: var(--ground); box-sizing: border-box; }
h1 { font-size: 1.6rem; margin: .5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .4rem; } h3 { font-size: .95rem; margin: .6rem 0 .2rem; }
summary { cursor: pointer; } summary h2 { display: inline; }
details { margin: 1.4rem 0; }
p { max-width: 52rem; margin: .4rem 0; } .finding { font-size: 1.15rem; margin: .8rem 0 1rem; }
.status { opacity: .8; } .unfinished { opacity: 1; border-left: .3rem solid var(--c0);
  padding-left: .7rem; }
.note, figcaption { font-size: .8rem; line-height: 1.35; opacity: .8; }
dl { display: flex; flex-wrap: wrap; gap: .3rem 2rem; margin: .6rem 0 1rem; font-size: .9rem; }
dt { opacity: .7; } dd { margin: 0; }
.panels { display: grid; gap: 1.2rem 1.5rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); }
figure { margin: 0; min-width: 0; } .panel svg { width: 100%; max-width: 34rem; height: auto; }
.large { grid-column: 1 / -1; overflow-x: auto; }
.large svg { max-width: 60rem; min-width: 34rem; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; max-width: none; font-size: .9rem; }
.legend i { font-style: normal; border-bottom: 2px; padding: 0 .5rem; }
.strip { display: grid; gap: .6rem; margin: .4rem 0 1rem; overflow-x: auto;
  grid-template-columns: repeat(4, minmax(9rem, 1fr)); }
.strip.nearest { grid-template-columns: repeat(2, minmax(14rem, 30rem)); }
.strip.projection { grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); }
img { width: 100%; height: auto; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .85rem; }
th, td { text-align: left; vertical-align: top; padding: .2rem 1rem .2rem 0;
  border-bottom: 1px solid color-mix(in srgb, var(--ink) 15%, transparent); }
th { font-weight: 600; } .n { font-variant-numeric: tabular-nums; white-space: nowrap; }
"""

LOOP = """
<p>A <b>generator</b> is trained on real images (iteration 1) and makes samples. Some of them are
<b>selected</b> as the next training set, on which it is trained again, and so on. In such a loop
generators lose variety and begin to repeat their training set: model collapse. An <b>arm</b> is one
way to select; arms of a run differ in nothing else that is not said. A <b>paradigm</b> says what
may be selected from: the last samples only (replace), or the real images and all samples
(accumulate).</p>
<p><b>Entropy</b> of a training set (nats): how far its rows lie from each other; it falls as the
loop collapses. <b>GS</b>, the generalization score: mean distance of samples to the nearest row
of the training set; near 0 the generator copies. <b>Fréchet distance</b> and <b>FLD</b>: how far
samples are from held-out real rows; lower is better. Every distance is taken in the space of
features that is named below a figure.</p>
<p>Numbers can be compared only when they were measured the same way: in the same features, on as
many rows, against the same set. Those that were not are drawn hollow and without a common
line.</p>
"""
