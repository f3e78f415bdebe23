"""The words of the trade as values and rules. Pure: no clock, no ids, no input or output."""
