"""Against real database servers, which the tests start themselves (`make integration`)."""
