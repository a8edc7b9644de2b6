"""Shapes what pages print: plain data from the connector in, plain data for a template out."""
