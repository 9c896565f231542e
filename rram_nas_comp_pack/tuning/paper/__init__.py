"""Our version of the paper's tuner (RNC section 4): an integer program over areas, margin by margin."""
