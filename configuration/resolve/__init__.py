"""What follows from an environment: definitions of evaluations, and sentences for `cdk synth`."""
