# A box that trains: the flows with the `train` extra. torch's wheel brings CUDA's libraries; the host brings the driver.
#
#   docker build -f deployments/gpu.Dockerfile -t toolherd-gpu .
#   docker run --gpus all -v /srv/toolherd:/data -e PREFECT_API_URL -e PREFECT_API_AUTH_STRING toolherd-gpu
#
# By itself it is a worker of the pool `gpu`. A Kubernetes job runs `python -m prefect flow-run execute` in it instead, as
# deployments/kubernetes-gpu.json says.
FROM python:3.12-slim

WORKDIR /app
COPY requirements requirements
RUN pip install --no-cache-dir --require-hashes --no-deps -r requirements/base.txt -r requirements/train.txt && \
    pip install --no-cache-dir -r requirements/torch.txt
COPY pyproject.toml README.md ./
COPY flows flows
COPY tasks tasks
COPY schemas schemas
COPY prompts prompts
RUN pip install --no-cache-dir --no-deps .

ENV TOOLHERD_DATA_ROOT=/data \
    HF_HOME=/data/huggingface \
    PREFECT_SERVER_EPHEMERAL_ENABLED=false \
    DO_NOT_TRACK=1
VOLUME /data

CMD ["prefect", "worker", "start", "--pool", "gpu", "--type", "process", "--limit", "1"]
