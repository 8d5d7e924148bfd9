"""WPS 1.0.0: PyWPS reads GetCapabilities and DescribeProcess and writes their documents; Execute is ours."""
