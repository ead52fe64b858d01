/* Moves the Sun and the four giant planets through STEPS steps (10 million where none are named) of a hundredth of a
 * day's unit, symplectically, and prints the energy before and after. Masses are in 4 pi^2 suns, lengths in AU. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { BODIES = 5 };
static const double PI = 3.141592653589793;
static const double DAYS = 365.24;

struct body { double position[3], velocity[3], mass; };

static struct body bodies[BODIES] = {
    {{0, 0, 0}, {0, 0, 0}, 1},
    {{4.84143144246472090, -1.16032004402742839, -0.103622044471123109}, {0.00166007664274403694, 0.00769901118419740425, -0.0000690460016972063023}, 0.000954791938424326609},
    {{8.34336671824457987, 4.12479856412430479, -0.403523417114321381}, {-0.00276742510726411, 0.00499852801234917238, 0.0000230417297573763929}, 0.000285885980666130812},
    {{12.8943695621391310, -15.1111514016986312, -0.223307578892655734}, {0.00296460137564761618, 0.00237847173959480950, -0.0000296589568540237556}, 0.0000436624404335156298},
    {{15.3796971148509165, -25.9193146099879641, 0.179258772950371181}, {0.00268067772490389322, 0.00162824170038242295, -0.0000951592254519715870}, 0.0000515138902046611451},
};

static void begin(void) {
    double momentum[3] = {0, 0, 0};
    for (int i = 0; i < BODIES; i++) {
        bodies[i].mass *= 4 * PI * PI;
        for (int k = 0; k < 3; k++) {
            bodies[i].velocity[k] *= DAYS;
            momentum[k] += bodies[i].velocity[k] * bodies[i].mass;
        }
    }
    for (int k = 0; k < 3; k++) bodies[0].velocity[k] = -momentum[k] / bodies[0].mass;
}

static double energy(void) {
    double sum = 0;
    for (int i = 0; i < BODIES; i++) {
        const struct body *a = &bodies[i];
        for (int k = 0; k < 3; k++) sum += a->mass * a->velocity[k] * a->velocity[k] / 2;
        for (int j = i + 1; j < BODIES; j++) {
            double square = 0;
            for (int k = 0; k < 3; k++) {
                double apart = a->position[k] - bodies[j].position[k];
                square += apart * apart;
            }
            sum -= a->mass * bodies[j].mass / sqrt(square);
        }
    }
    return sum;
}

static void step(double time) {
    for (int i = 0; i < BODIES; i++) {
        struct body *a = &bodies[i];
        for (int j = i + 1; j < BODIES; j++) {
            struct body *b = &bodies[j];
            double apart[3], square = 0;
            for (int k = 0; k < 3; k++) {
                apart[k] = a->position[k] - b->position[k];
                square += apart[k] * apart[k];
            }
            double pull = time / (square * sqrt(square));
            for (int k = 0; k < 3; k++) {
                a->velocity[k] -= apart[k] * b->mass * pull;
                b->velocity[k] += apart[k] * a->mass * pull;
            }
        }
    }
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++) bodies[i].position[k] += time * bodies[i].velocity[k];
}

int main(int argc, char **argv) {
    long steps = argc > 1 ? strtol(argv[1], NULL, 10) : 10000000;
    begin();
    printf("%.9f\n", energy());
    for (long i = 0; i < steps; i++) step(0.01);
    printf("%.9f\n", energy());
    return 0;
}
