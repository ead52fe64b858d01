/* Counts the points of a SIDE times SIDE grid (1600 where none is named) that are in the Mandelbrot set as far as 200
 * steps tell, and prints how many there are and the steps taken. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEPS = 200 };

int main(int argc, char **argv) {
    long side = argc > 1 ? strtol(argv[1], NULL, 10) : 1600;
    uint64_t inside = 0, taken = 0;
    for (long row = 0; row < side; row++) {
        double y = 2.0 * (double)row / (double)side - 1.0;
        for (long column = 0; column < side; column++) {
            double x = 2.0 * (double)column / (double)side - 1.5;
            double real = 0, imaginary = 0, real2 = 0, imaginary2 = 0;
            int step = 0;
            while (step < STEPS && real2 + imaginary2 <= 4.0) {
                imaginary = 2 * real * imaginary + y;
                real = real2 - imaginary2 + x;
                real2 = real * real;
                imaginary2 = imaginary * imaginary;
                step++;
            }
            inside += step == STEPS;
            taken += (uint64_t)step;
        }
    }
    printf("%llu %llu\n", (unsigned long long)inside, (unsigned long long)taken);
    return 0;
}
