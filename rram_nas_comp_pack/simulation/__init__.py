"""From a layout to a schedule: the event loop, who waits for whom, and the schedule as a trace."""
