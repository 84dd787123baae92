# ivif on a CPU, with its weights inside; nothing is fetched when it runs.
#   docker build -t ivif .
#   docker run --rm -v "$PWD:/data" -u "$(id -u):$(id -g)" ivif fuse --ir a.png --vis b.png -o out.png
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY ivif_cli ivif_cli
COPY weights weights
COPY recipes recipes
COPY examples examples
RUN python -m venv /opt/ivif \
    && /opt/ivif/bin/pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu '.[thermal]' \
    && /opt/ivif/bin/pip uninstall -y opencv-python \
    && /opt/ivif/bin/pip install --no-cache-dir 'opencv-python-headless>=4.10,<6'

FROM python:3.12-slim
COPY --from=build /opt/ivif /opt/ivif
RUN useradd --create-home ivif && mkdir /data && chown ivif /data
ENV PATH=/opt/ivif/bin:$PATH PYTHONUNBUFFERED=1
USER ivif
WORKDIR /data
ENTRYPOINT ["ivif"]
CMD ["--help"]
