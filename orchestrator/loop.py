"""The loop: generators train on what generators made, iteration after iteration (Shi et al. 2025).

This file says what happens, in the order of the paper's algorithm; everything else serves it. What
determines a step is in `steps`, what a training set may be selected from in `paradigms` and
`candidates`. The loops of all arms make a `plan`; a run has it carried out by `execution`, whose
workers do each step with one function of `actors/workers`, and reads back what was measured.
"""

from collections import Counter

from actors.generators import TrainedFamily
from actors.pool.schema import FRESH
from actors.pool.step import Step
from actors.selection.random import Random
from orchestrator import steps
from orchestrator.candidates import Candidates, arrivals, candidates_for, real_rows
from orchestrator.config import Experiment
from orchestrator.effects import Alarms
from orchestrator.plan import Decide, Plan, TrainingSet
from orchestrator.spaces import Space, Stored


class Loop:
    """The self-consuming loop of one arm."""

    def __init__(self, plan: Plan, arm: str, experiment: Experiment, decide: Decide | None) -> None:
        """Plan the real data, and D_1: all of it, in a random order like any other set."""
        self.experiment = experiment
        self.alarms = Alarms(plan, arm, experiment, decide)
        self._plan, self._arm = plan, arm
        self._trained = list(experiment.trained)
        self._fresh_used = 0
        self._sampled: Counter[str] = Counter()
        self._checkpoints: dict[str, Step] = {}
        self._arrived: list[list[Stored]] = []
        real = self._add(steps.real_data(experiment, "train"), 0)
        held_out = self._add(steps.real_data(experiment, "reference"), 0)
        self._selecting = Space(plan, arm, experiment, experiment.features, real)
        self._measuring = Space(plan, arm, experiment, experiment.measured_in, real)
        self._reference = self._measuring.embed(held_out)
        self._real = Stored(real_rows(experiment), real, self._selecting.embed(real))
        whole = Candidates.all_of(self._real.arrival)
        pairs = [(self._real.samples, self._real.features)]
        first = self._select(1, None, steps.choice(experiment, 1, None, pairs, whole, Random()))
        self._training_sets = dict.fromkeys(self._trained, first)

    def iterate(self, n: int) -> None:
        """Plan iteration n: train on D_n, sample, embed, evaluate, and select D_{n+1}."""
        experiment = self.experiment.at(n)
        made: dict[str, tuple[Step, Step]] = {}
        for name, generator in experiment.generators.items():
            if isinstance(generator, TrainedFamily):
                self._train(n, name, generator)
            samples = self._sample(n, name)
            made[name] = samples, self._selecting.embed(samples)
            self._evaluate(n, name, samples)
        if n < self.experiment.iterations and (fresh := self.alarms.fresh_rows(n)) is not None:
            self._arrived.append(self._arrive(n, made, fresh))
            generations = self.experiment.paradigm.generations(self._real, self._arrived)
            for name in self._trained:
                self._training_sets[name] = self._select_for(n + 1, name, generations)

    def _train(self, n: int, name: str, generator: TrainedFamily) -> None:
        previous = self._checkpoints.get(name) if generator.needs.previous else None
        step = steps.train(self.experiment, name, generator, n, self._training_sets[name], previous)
        self._checkpoints[name] = self._add(step, n, name)

    def _sample(self, n: int, name: str) -> Step:
        experiment, before = self.experiment.at(n), self._sampled[name]
        self._sampled[name] += experiment.generators[name].sampling.rows
        step = steps.sample(experiment, name, n, self._checkpoints.get(name), before)
        return self._add(step, n, name)

    def _evaluate(self, n: int, name: str, samples: Step) -> None:
        training_set = self._training_sets.get(name)
        step = steps.evaluate(
            self.experiment.at(n),
            n,
            samples,
            self._measuring.embed(samples),
            self._reference,
            self._measuring.embed(self._real.samples),
            training_set,
            self._measuring.candidates(training_set) if training_set else (),
        )
        self._plan.evaluations[self._arm, n, name] = self._add(step, n, name)
        self._plan.steps[step.path].decides |= bool(self.experiment.alarms)

    def _arrive(self, n: int, made: dict[str, tuple[Step, Step]], fresh: int) -> list[Stored]:
        """Return what joins the pool: what was sampled, and fresh real rows."""
        if fresh:
            step = steps.fresh(self.experiment, n, self._fresh_used, fresh)
            samples = self._add(step, n, FRESH)
            made = made | {FRESH: (samples, self._selecting.embed(samples))}
            self._fresh_used += fresh
        joined = arrivals(self.experiment.at(n), n, fresh)
        return [Stored(arrival, *made[arrival.source]) for arrival in joined]

    def _select_for(self, n: int, name: str, generations: list[list[Stored]]) -> Step:
        """Select D_n of a generator: its own, or the one that all share."""
        experiment = self.experiment.at(n)
        training_set, method = experiment.training_sets.get(name), experiment.method_for(name)
        arrived = [[stored.arrival for stored in generation] for generation in generations]
        ratio = self.alarms.lowered(method.ratio)
        candidates = candidates_for(experiment, arrived, training_set, ratio, method.trim)
        pairs = [(stored.samples, stored.features) for rows in generations for stored in rows]
        whose = name if training_set else None
        # where the ratio decides how many candidates are drawn, nobody shares their order
        most = 0 if experiment.paradigm.fixed_rows else self._plan.ratio
        choice = steps.choice(experiment, n, whose, pairs, candidates, method, most)
        return self._select(n, whose, choice)

    def _select(self, n: int, whose: str | None, choice: steps.Choice) -> Step:
        ranked = self._add(steps.order(choice), n, whose) if choice.method.nested else None
        step = self._add(steps.select(choice, ranked), n, whose)
        self._plan.training_sets[self._arm, n, whose] = TrainingSet(step, choice.candidates)
        return step

    def _add(self, step: Step, n: int, generator: str | None = None) -> Step:
        return self._plan.add(step, self._arm, n, generator)
