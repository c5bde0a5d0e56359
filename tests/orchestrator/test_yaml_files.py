"""YAML from anybody: bounded, safe, and refused in one line."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.errors import UserError
from orchestrator import config, yaml_files
from orchestrator.yaml_files import parse_yaml

# each level holds the one before it nine times: 9^9 values in 343 bytes
BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "\n".join(
    f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, r"line 6: found more than 100,000 values, aliases written out"),
        ("a: &a [*a]", r"line 1: \*a contains itself"),
        ("a: &a {b: {c: *a}}", r"line 1: \*a contains itself"),
        ("a: *b", "undefined alias"),
        ("[" * 100_000, "found more than 50 levels; allowed are 50"),
        ("{a: " * 3_000, "found more than 50 levels"),
        ("[1, 2]: 3", "line 1: found a sequence as the name of a field; allowed is text"),
        ("? {a: 1}\n: 3", "line 1: found a mapping as the name of a field"),
        ("a: 1\nb:\n  c: 1\n  c: 2", r"b\.c: named twice, in lines 3 and 4"),
        (f"a: {'9' * 5000}", "integer string conversion"),
        ("a: 2020-02-31", "day"),
        ("a: \0", "control characters are not|special characters are not allowed"),
        ("a: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("a: 1\n---\nb: 2", "expected a single document"),
        ("a: [1", "while parsing"),
    ],
    ids=lambda value: value[:20],
)
def test_what_cannot_be_read_safely_is_one_line(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        parse_yaml(text, "here")
    assert "\n" not in str(caught.value)


def test_a_file_of_20_megabytes_is_refused_without_being_parsed(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_text("a: 1\n" * 4_000_000)
    with pytest.raises(UserError, match="found 20,000,000 bytes; allowed are up to 1,048,576"):
        config.load(str(path), [])


def test_the_largest_file_allowed_is_read_or_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "much.yaml"
    path.write_text("".join(f"a{i}: 1\n" for i in range(100_000))[: yaml_files.MOST_BYTES])
    with pytest.raises(UserError, match="found more than 100,000 values"):
        yaml_files.read_yaml(str(path))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=100, deadline=None)
@given(values)
def test_any_value_comes_back_as_pyyaml_wrote_it(value: object) -> None:
    assert parse_yaml(yaml.safe_dump(value), "here") == yaml.safe_load(yaml.safe_dump(value))


def test_anchors_and_merge_keys_are_read_as_pyyaml_reads_them() -> None:
    text = "a: &a {x: 1, y: [1, 2]}\nb: {<<: *a, y: 3}\nc: *a"
    assert parse_yaml(text, "here") == yaml.safe_load(text)
