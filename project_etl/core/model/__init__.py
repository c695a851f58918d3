"""What tables, records and runs are: values without storage, engine or orchestrator."""
