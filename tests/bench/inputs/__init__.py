"""Raw zones that the benchmark reads, made from seeds: the same bytes on every machine."""
