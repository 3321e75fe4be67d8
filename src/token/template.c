// SPDX-License-Identifier: Apache-2.0
#include "token/template.h"

#include "base/auto.h"

#include <assert.h>

static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static const uint8_t exponent_65537[] = {0x01, 0x00, 0x01};
// PrintableString "edwards25519" (PKCS#11 3.0 section 2.3.10)
static const uint8_t edwards25519[] = {0x13, 0x0c, 'e', 'd', 'w', 'a', 'r', 'd', 's', '2', '5', '5', '1', '9'};

static void add(CK_ATTRIBUTE *attributes, CK_ULONG *n, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
    assert(*n < HA_TEMPLATE_MAX);
    attributes[(*n)++] = (CK_ATTRIBUTE){type, (void *)(uintptr_t)value, len};
}

static void add_public(struct ha_template *template, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
    add(template->public_key, &template->n_public, type, value, len);
}

static void add_public_flag(struct ha_template *template, CK_ATTRIBUTE_TYPE type, bool value)
{
    add_public(template, type, value ? &yes : &no, sizeof(CK_BBOOL));
}

// A use of the key.
static void add_public_use(struct ha_template *template, CK_ATTRIBUTE_TYPE type, bool value, bool lax)
{
    if (value || !lax)
        add_public_flag(template, type, value);
}

static void add_private(struct ha_template *template, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
    add(template->private_key, &template->n_private, type, value, len);
}

static void add_private_flag(struct ha_template *template, CK_ATTRIBUTE_TYPE type, bool value)
{
    add_private(template, type, value ? &yes : &no, sizeof(CK_BBOOL));
}

static void add_private_use(struct ha_template *template, CK_ATTRIBUTE_TYPE type, bool value, bool lax)
{
    if (value || !lax)
        add_private_flag(template, type, value);
}

static void fill_kind(struct ha_template *template, enum ha_key_type type, unsigned spelling)
{
    const struct ha_key_type_info *info = ha_key_type_info(type);
    switch (info->family) {
    case HA_FAMILY_RSA:
        template->mechanism.mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN;
        template->modulus_bits = info->bits;
        add_public(template, CKA_MODULUS_BITS, &template->modulus_bits, sizeof(template->modulus_bits));
        add_public(template, CKA_PUBLIC_EXPONENT, exponent_65537, sizeof(exponent_65537));
        break;
    case HA_FAMILY_EC:
        template->mechanism.mechanism = CKM_EC_KEY_PAIR_GEN;
        add_public(template, CKA_EC_PARAMS, info->oid, info->oid_len);
        break;
    case HA_FAMILY_ED:
        template->mechanism.mechanism = CKM_EC_EDWARDS_KEY_PAIR_GEN;
        if (spelling == 0)
            add_public(template, CKA_EC_PARAMS, info->oid, info->oid_len);
        else
            add_public(template, CKA_EC_PARAMS, edwards25519, sizeof(edwards25519));
        break;
    case HA_FAMILY_MAC:  // no pairs: hmac.c, kek.c
    case HA_FAMILY_KEK:
        break;
    }
}

static unsigned spellings(enum ha_key_type type)
{
    return type == HA_KEY_ED25519 ? 2 : 1;
}

unsigned ha_template_variants(enum ha_key_type type)
{
    return 2 * spellings(type);
}

bool ha_template_is_lax(enum ha_key_type type, unsigned variant)
{
    return variant >= spellings(type);
}

void ha_template_fill(struct ha_template *ret_template, enum ha_key_type type, unsigned variant,
                      const struct ha_packet *question)
{
    const struct ha_part *id = &question->part[0], *label = &question->part[1];
    bool sign = question->purposes & HA_PURPOSES_CSR;
    bool decrypt = question->purposes & HA_PURPOSE_DECRYPT;
    bool derive = question->purposes & HA_PURPOSE_DERIVE;
    bool lax = ha_template_is_lax(type, variant);
    bool shared = question->flags & HA_PACKET_SHARED;
    *ret_template = (struct ha_template){0};
    fill_kind(ret_template, type, variant % spellings(type));

    add_public_flag(ret_template, CKA_TOKEN, !shared);
    add_public_flag(ret_template, CKA_PRIVATE, false);
    add_public(ret_template, CKA_ID, id->data, id->len);
    add_public(ret_template, CKA_LABEL, label->data, label->len);
    add_public_use(ret_template, CKA_VERIFY, sign, lax);
    add_public_use(ret_template, CKA_VERIFY_RECOVER, false, lax);
    add_public_use(ret_template, CKA_ENCRYPT, decrypt, lax);
    add_public_use(ret_template, CKA_WRAP, false, lax);

    add_private_flag(ret_template, CKA_TOKEN, !shared);
    add_private_flag(ret_template, CKA_PRIVATE, true);
    add_private_flag(ret_template, CKA_SENSITIVE, true);
    add_private_flag(ret_template, CKA_EXTRACTABLE, shared || question->flags & HA_PACKET_BACKUP);
    add_private(ret_template, CKA_ID, id->data, id->len);
    add_private(ret_template, CKA_LABEL, label->data, label->len);
    // Tokens have defaults of their own for what isn't said, so all of it is said if they let us.
    add_private_use(ret_template, CKA_SIGN, sign, lax);
    add_private_use(ret_template, CKA_SIGN_RECOVER, false, lax);
    add_private_use(ret_template, CKA_DECRYPT, decrypt, lax);
    add_private_use(ret_template, CKA_DERIVE, derive, lax);
    add_private_use(ret_template, CKA_UNWRAP, false, lax);
}
