"""How results are put into words."""

STOPPED = {
    "bound": "stopped at the lower bound",
    "budget": "stopped within the budget",
    "effort": "used all its iterations",
    "time": "cut short by its time limit",
    "interrupt": "interrupted; the best so far",
    "no start": "the joint tuner had no start: boxes of a layer would have to share a crossbar",
}
"""What ended a search."""
