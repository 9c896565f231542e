"""A network computed by its layout: quantised, programmed into the cells of a chip, and read bit by bit."""
