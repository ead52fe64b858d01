/* Sorts COUNT integers (8 million where none is named) by quicksort, and prints a sum that depends on their order. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void sort(uint32_t *values, ptrdiff_t count) {
    while (count > 16) {
        uint32_t pivot = values[count / 2];
        ptrdiff_t low = 0, high = count - 1;
        while (low <= high) {
            while (values[low] < pivot) low++;
            while (values[high] > pivot) high--;
            if (low <= high) {
                uint32_t other = values[low];
                values[low++] = values[high];
                values[high--] = other;
            }
        }
        if (high + 1 < count - low) {
            sort(values, high + 1);
            values += low;
            count -= low;
        } else {
            sort(values + low, count - low);
            count = high + 1;
        }
    }
    for (ptrdiff_t i = 1; i < count; i++) {
        uint32_t value = values[i];
        ptrdiff_t at = i;
        for (; at > 0 && values[at - 1] > value; at--) values[at] = values[at - 1];
        values[at] = value;
    }
}

int main(int argc, char **argv) {
    ptrdiff_t count = argc > 1 ? strtol(argv[1], NULL, 10) : 8000000;
    uint32_t *values = malloc((size_t)count * sizeof *values), state = 2463534242;
    if (values == NULL) return 1;
    for (ptrdiff_t i = 0; i < count; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        values[i] = state;
    }
    sort(values, count);
    uint64_t sum = 0;
    for (ptrdiff_t i = 0; i < count; i++) {
        if (i > 0 && values[i - 1] > values[i]) return 1;
        sum = sum * 31 + values[i];
    }
    printf("%016llx\n", (unsigned long long)sum);
    free(values);
    return 0;
}
