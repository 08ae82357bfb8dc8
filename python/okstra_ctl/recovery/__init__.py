"""`okstra reconcile`: what dead runs and lost files left, told; and put right where nothing can be lost (spec 3)."""
