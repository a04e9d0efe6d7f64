# The web page on a CPU: docker build -t portrait-matting . && docker run -p 7860:7860 portrait-matting
# By default pip installs torch with CUDA, which takes gigabytes; name an index with CPU builds of torch to avoid it:
#   docker build --build-arg PIP_EXTRA_INDEX_URL=… -t portrait-matting .
FROM python:3.11-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE train.py ./
COPY conf conf
COPY experiments/base experiments/base
COPY matting matting
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim
ARG PIP_EXTRA_INDEX_URL
COPY --from=build /wheels /wheels
# hadolint ignore=DL3013
RUN wheel=$(find /wheels -name '*.whl') \
    && pip install --no-cache-dir "${wheel}[page]" \
    && useradd --create-home --uid 1000 matting
USER 1000
WORKDIR /home/matting
ENV OMP_WAIT_POLICY=PASSIVE
EXPOSE 7860
HEALTHCHECK --start-period=60s CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:7860')"]
ENTRYPOINT ["matting"]
CMD ["serve", "--host", "0.0.0.0"]
