"""Pages and figures about runs; pure functions from values to text."""
