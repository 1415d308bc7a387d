// The Gaussian replace chain on an NVIDIA GPU: one thread a chain, all generations in registers.
// Same law as fused.py, no moments on the way.
//
//   gaussian_replace CHAINS GENERATIONS N SEED C0 ... C9
//
// C0..C9: cube root of (chi-square / (N - 1)) as a polynomial of a normal, highest power first.
// Prints "seconds mean se" of the squared error of the last mean; the clock is the kernel's.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

constexpr int TERMS = 10;
__constant__ float coefficients[TERMS];

__device__ void threefry2x32(uint32_t k0, uint32_t k1, uint32_t &x0, uint32_t &x1) {
  const uint32_t ks[3] = {k0, k1, k0 ^ k1 ^ 0x1BD11BDAu};
  const int rotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  x0 += ks[0];
  x1 += ks[1];
#pragma unroll
  for (int i = 0; i < 5; ++i) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      x0 += x1;
      x1 = __funnelshift_l(x1, x1, rotations[i % 2][j]) ^ x0;
    }
    x0 += ks[(i + 1) % 3];
    x1 += ks[(i + 2) % 3] + i + 1;
  }
}

__device__ float normal(uint32_t bits) {  // 2^23 midpoints of (-1, 1)
  float x = ((float)(bits >> 9) + 0.5f) * 2.38418579e-7f - 1.0f;
  return 1.41421356f * erfinvf(x);
}

__global__ void replace(uint32_t seed, int chains, int generations, float scale, float *out) {
  const int chain = blockIdx.x * blockDim.x + threadIdx.x;
  if (chain >= chains) return;
  float mean = 0.0f, sd = 1.0f;
  for (int t = 0; t < generations; ++t) {
    uint32_t a = chain, b = t;
    threefry2x32(seed, 0, a, b);
    const float z = normal(b);
    float root = coefficients[0];
#pragma unroll
    for (int i = 1; i < TERMS; ++i) root = root * z + coefficients[i];
    mean += sd * normal(a) * scale;
    sd *= root * sqrtf(root);
  }
  out[chain] = mean * mean;
}

int fail(cudaError_t error) {
  std::fprintf(stderr, "%s\n", cudaGetErrorString(error));
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 5 + TERMS) return 2;
  const int chains = std::atoi(argv[1]), generations = std::atoi(argv[2]);
  const float scale = (float)(1 / std::sqrt(std::atof(argv[3])));
  const uint32_t seed = std::strtoul(argv[4], nullptr, 10);
  float host[TERMS];
  for (int i = 0; i < TERMS; ++i) host[i] = std::atof(argv[5 + i]);
  float *out;
  cudaError_t error = cudaMalloc(&out, chains * sizeof(float));
  if (error != cudaSuccess) return fail(error);
  cudaMemcpyToSymbol(coefficients, host, sizeof(host));

  cudaEvent_t begun, done;
  cudaEventCreate(&begun);
  cudaEventCreate(&done);
  const int threads = 256, blocks = (chains + threads - 1) / threads;
  for (int i = 0; i < 2; ++i) {  // the first is the warm-up
    cudaEventRecord(begun);
    replace<<<blocks, threads>>>(seed, chains, generations, scale, out);
    cudaEventRecord(done);
  }
  error = cudaDeviceSynchronize();
  if (error != cudaSuccess) return fail(error);
  float milliseconds;
  cudaEventElapsedTime(&milliseconds, begun, done);

  std::vector<float> values(chains);
  cudaMemcpy(values.data(), out, chains * sizeof(float), cudaMemcpyDeviceToHost);
  double sum = 0, squares = 0;
  for (float x : values) sum += x, squares += (double)x * x;
  const double mean = sum / chains, variance = squares / chains - mean * mean;
  std::printf("%.9g %.9g %.9g\n", milliseconds / 1e3, mean, std::sqrt(variance / chains));
  return 0;
}
