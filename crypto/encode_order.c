#include "cofre/encode.h"

/*
 * 128 bits are 25 groups of five and one of three, which stands for five with two zeros behind.  The six
 * digits 2..7 are the last of base32's alphabet and the first in ASCII: each group is turned by
 * six places; the last one, of which only every fourth letter occurs ("4" alone is a digit), by one.
 */
enum { GROUP = 5, GROUPS = 25, LAST = 3, DIGITS = 6 };

static void
turn(const uint8_t in[static ENCODE_ID_LEN], uint8_t out[static ENCODE_ID_LEN], unsigned by,
     unsigned by_last)
{
    uint32_t bits = 0;    /* taken from in, not yet in a group */
    uint32_t turned = 0;  /* groups, not yet in out */
    unsigned n_bits = 0;
    unsigned n_turned = 0;
    unsigned groups = 0;

    for (unsigned i = 0; i < ENCODE_ID_LEN; i++) {
        bits = bits << 8 | in[i];
        n_bits += 8;
        while (n_bits >= GROUP && groups < GROUPS) {
            n_bits -= GROUP;
            turned = turned << GROUP | (((bits >> n_bits) + by) & 31);
            n_turned += GROUP;
            groups++;
        }
        bits &= (1U << n_bits) - 1;
        if (i == ENCODE_ID_LEN - 1) {
            turned = turned << LAST | ((bits + by_last) & 7);
            n_turned += LAST;
        }
        while (n_turned >= 8) {
            n_turned -= 8;
            *out++ = (uint8_t)(turned >> n_turned);
        }
        turned &= (1U << n_turned) - 1;
    }
}

void
encode_id_order(const uint8_t id[static ENCODE_ID_LEN], uint8_t out[static ENCODE_ID_LEN])
{
    turn(id, out, DIGITS, 1);
}

void
encode_id_unorder(const uint8_t order[static ENCODE_ID_LEN], uint8_t out[static ENCODE_ID_LEN])
{
    turn(order, out, 32 - DIGITS, 8 - 1);
}
