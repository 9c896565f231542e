"""RNC: compile neural networks onto chips with few RRAM crossbars."""

__version__ = "0.1.0"
