"""What `tarn docker` does: the few commands by which the AWS CDK builds, tags and pushes images, and runs them to bundle code, without an engine.

A link named tarn-docker to tarn is what CDK_DOCKER may name. Images are kept under tarn's cache (docker/). A base is made of this machine's own Python
or Node, its shell and the usual tools, as an ordinary self-contained layer (bases.py); what a stage of a Dockerfile adds is one layer over it, written
through an overlay in tarn's sandbox (builder.py). Instructions and images that are not there are refused by name and line.
"""
