// SPDX-License-Identifier: Apache-2.0
#include "alone/program.h"

int main(int argc, char** argv) { return nsgate::alone::main(argc, argv); }
