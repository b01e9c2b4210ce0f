"""A story: an outage that plays by itself, and the proof at its end that nothing was lost, doubled or reordered."""
