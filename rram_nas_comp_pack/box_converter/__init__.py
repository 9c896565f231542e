"""From a network to its layers, and from layers to the boxes that fit a crossbar."""
