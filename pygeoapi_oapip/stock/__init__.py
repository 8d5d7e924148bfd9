"""What stands between pygeoapi's stock process routes and the service: values, answers, errors, the host."""
