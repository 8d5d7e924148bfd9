"""Contract suites and fakes that others can test their own engines and stores with."""
