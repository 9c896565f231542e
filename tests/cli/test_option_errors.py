"""What is said of wrong options names what is allowed, and the help of the command."""

import pytest
from tiny_runs import call, is_one_line

SAID = [
    (
        ("pack", "--exp-id=--"),
        "--exp-id: found '--', allowed is a value (see rram_nas_comp_pack pack --help)",
    ),
    (("pack", "--num-sample=--"), "--num-sample: found '--', allowed is a value (see"),
    (("pack", "--log-dir=--"), "--log-dir: found '--', allowed is a value; a file of that name is ./-- (see"),
    (("compare", "a", "--nope"), "unrecognized arguments: --nope (see rram_nas_comp_pack compare --help)"),
    (("--nope", "doctor"), "unrecognized arguments: --nope (see rram_nas_comp_pack --help)"),
    (("pack", "--num-crossbars", 2**31), "allowed is a whole number from 1 to 2147483647"),
    (("pack", "--seed", -1), "allowed is a whole number from 0 to 2147483647"),
]


@pytest.mark.parametrize(("argv", "said"), SAID)
def test_wrong_options_are_one_line(argv, said):
    status, out, err = call(*argv)
    assert (status, out, is_one_line(err)) == (2, "", True)
    assert said in err
