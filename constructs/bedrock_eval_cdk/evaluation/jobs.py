"""The function that runs evaluations by Bedrock evaluation jobs: starts, looks, stops, collects, publishes, prunes."""

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from bedrock_eval.layout import JOBS
from bedrock_eval_cdk.core.context import EnvironmentContext
from bedrock_eval_cdk.core.functions import FunctionSettings, PythonFunction
from bedrock_eval_cdk.core.permissions import regional_arn
from bedrock_eval_cdk.evaluation.run_permissions import allow_runs
from bedrock_eval_cdk.storage.evaluation_buckets import EvaluationData
from constructs import Construct


class EvaluationJobs(PythonFunction):
    """Asks Bedrock for jobs that work with `job_role`, and makes runs of what they leave below `jobs/`.

    It stops and deletes only jobs that are tagged with its application and environment, as all that it starts are.
    Source: Service Authorization Reference, Amazon Bedrock; user guide, model-evaluation-type-automatic (what a caller
    needs) and model-evaluation-security-kms.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: EnvironmentContext,
        data: EvaluationData,
        job_role: iam.IRole,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            context=context,
            settings=FunctionSettings(
                name=context.name(lambda names: names.evaluation_jobs),
                description="Starts, watches and collects Bedrock evaluation jobs, publishes finished runs.",
                package="evaluation_jobs",
                engine=True,
                handler="bedrock_eval_functions.evaluation_jobs.handler.handler",
                timeout=Duration.minutes(15),
                memory_size=1024,
                environment={
                    "APPLICATION": context.application,
                    "RESULTS_BUCKET": data.results.bucket_name,
                    "JOB_ROLE": job_role.role_arn,
                    "JOBS_OUTPUT": f"s3://{data.results.bucket_name}/{JOBS}",
                    "JOBS_KEY": context.key.key_arn,
                },
            ),
        )
        self._tags = {"application": context.application, "environment": context.environment}
        self._allow_jobs(job_role)
        self._allow_outputs(data.results)
        allow_runs(self, data=data, key=context.key)
        self.allow(actions=["kms:DescribeKey"], resources=[context.key.key_arn])

    def _allow_jobs(self, job_role: iam.IRole) -> None:
        jobs = regional_arn("bedrock", "evaluation-job/*")
        # The reference lists the tags of a request; that each request which has tags tells them, nobody says.
        # Assumption: jobs-tags
        own_tags = {f"aws:RequestTag/{key}": value for key, value in self._tags.items()}
        self.allow(
            actions=["bedrock:GetEvaluationJob"],
            resources=[jobs],
            wildcard="Bedrock chooses the ids of jobs; this reads the state of one, and no prompts or answers.",
        )
        # Without IfExists: a job of somebody else has no such tags. What is refused is told by the run and the pruning.
        self.allow(
            actions=["bedrock:StopEvaluationJob", "bedrock:BatchDeleteEvaluationJob"],
            resources=[jobs],
            conditions={"StringEquals": {f"aws:ResourceTag/{key}": value for key, value in self._tags.items()}},
            wildcard="Bedrock chooses the ids of jobs; the tags limit this to jobs of this environment.",
        )
        self.allow(
            actions=["bedrock:TagResource"],
            resources=[jobs],
            conditions={
                "StringEqualsIfExists": {
                    **own_tags,
                    # A job that is another's already cannot be made its own, to be stopped then.
                    **{f"aws:ResourceTag/{key}": value for key, value in self._tags.items()},
                }
            },
            wildcard="Bedrock chooses the ids of jobs; the tags limit this to jobs of this environment.",
        )
        self.allow(
            actions=["bedrock:ListEvaluationJobs"],
            resources=["*"],
            wildcard="ListEvaluationJobs knows no resource; it names jobs and their states, and no prompts or answers.",
        )
        self.allow(
            actions=["bedrock:CreateEvaluationJob"],
            resources=["*"],
            conditions={"StringEqualsIfExists": own_tags},
            wildcard="AWS's documents do not agree on its resources; what a job reaches is bounded by the one role "
            "that may be passed to it, which has the models, datasets and results of this environment only.",
        )
        self.allow(
            actions=["iam:PassRole"],
            resources=[job_role.role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}},
        )

    def _allow_outputs(self, results: s3.IBucket) -> None:
        self.allow(
            actions=["s3:GetObject"],
            resources=[results.arn_for_objects(f"{JOBS}*")],
            wildcard="Bedrock chooses the names of a job's output files; all lie below this prefix.",
        )
        self.allow(
            actions=["s3:PutObject"],
            resources=[results.arn_for_objects(f"{JOBS}*/answers/*")],
            wildcard="Stored answers that a judge is given lie beside the output of their run, whose id is its time.",
        )
