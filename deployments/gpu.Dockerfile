# A box that trains: the flows with the `train` extra. torch's wheel brings CUDA's libraries; the host brings the driver.
#
#   digest=$(docker buildx imagetools inspect python:3.12-slim --format '{{.Manifest.Digest}}')
#   docker build -f deployments/gpu.Dockerfile --build-arg BASE_DIGEST="$digest" -t toolherd-gpu .
#   docker run --gpus all -v /srv/toolherd:/data -e PREFECT_API_URL -e PREFECT_API_AUTH_STRING toolherd-gpu
#
# The first line finds the base image as it is today; keep what it says, so that the next build stands on the same one.
# By itself it is a worker of the pool `gpu`. A Kubernetes job runs `python -m prefect flow-run execute` in it instead, as
# deployments/kubernetes-gpu.json says.
#
# It runs as user 1000, who may write to /data (on the host: `chown 1000:1000 /srv/toolherd`) and /tmp alone.
ARG BASE_DIGEST
FROM python:3.12-slim@${BASE_DIGEST}

WORKDIR /app
COPY requirements requirements
# All by hash but torch and the CUDA libraries that come with it, of which each build has others: those by version.
RUN pip install --no-cache-dir --require-hashes --no-deps -r requirements/base.txt -r requirements/train.txt && \
    pip install --no-cache-dir -r requirements/torch.txt
COPY pyproject.toml README.md ./
COPY flows flows
COPY tasks tasks
COPY schemas schemas
COPY prompts prompts
# Built by the setuptools of the lock file; on its own pip would fetch the newest.
RUN pip install --no-cache-dir --no-build-isolation --no-deps .

RUN useradd --uid 1000 --no-create-home --home-dir /tmp toolherd && install --directory --owner 1000 --group 1000 /data
ENV HOME=/tmp \
    PREFECT_HOME=/data/prefect \
    TOOLHERD_DATA_ROOT=/data \
    HF_HOME=/data/huggingface \
    PREFECT_SERVER_EPHEMERAL_ENABLED=false \
    DO_NOT_TRACK=1
USER 1000:1000
VOLUME /data

CMD ["prefect", "worker", "start", "--pool", "gpu", "--type", "process", "--limit", "1"]
