/* The least that a program can do: what is measured is what stands around it. */
int main(void) { return 0; }
