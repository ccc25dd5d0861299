-- Full text: for each node whose type declares members with x-search, the words in them, found by an
-- index in which each word has a code of its tenant and type before it, so that a search reads no
-- entry of another's.
-- depends: 0017-data-of-tenants

-- With the type its rows go too, by flexdb_fill_search.
CREATE TABLE IF NOT EXISTS flexdb_search (
    tenant_id uuid NOT NULL,
    node_type_id uuid NOT NULL,
    node_id uuid NOT NULL,
    words tsvector NOT NULL,
    PRIMARY KEY (tenant_id, node_type_id, node_id)
);
-- What waits to be sorted into the index is read by every search, of other tenants too: so it is
-- kept as little as it may be.
CREATE INDEX IF NOT EXISTS flexdb_search_words ON flexdb_search USING gin (words)
WITH (gin_pending_list_limit = 64);

CREATE OR REPLACE FUNCTION flexdb_search_code(of_tenant uuid, of_type uuid) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT left(encode(sha256(convert_to(concat(of_tenant, of_type), 'UTF8')), 'hex'), 8)
$$;

-- The configuration of text search that a type names, or the one that takes words as they are.
CREATE OR REPLACE FUNCTION flexdb_search_language(options jsonb) RETURNS regconfig
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(min(c.oid), 'pg_catalog.simple'::regconfig)::regconfig
    FROM pg_ts_config c
    WHERE c.cfgnamespace = 'pg_catalog'::regnamespace AND c.cfgname = options ->> 'language'
$$;

CREATE OR REPLACE FUNCTION flexdb_search_vector(language regconfig, code text, given text) RETURNS tsvector
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    -- A lexeme stands in quotes and holds none.
    RETURN replace(concat(' ', flexdb_search_fold(to_tsvector(language, flexdb_search_words(given))::text)),
                   ' ''', ' ''' || code);
END $$;

-- The texts of a node that are searched: what stands in its members, and in the items of an array there.
CREATE OR REPLACE FUNCTION flexdb_search_texts(of_tenant uuid, of_type uuid, data jsonb)
RETURNS TABLE (rule text, place bigint, content text, options jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN QUERY
    SELECT d.rule, t.place, t.content #>> '{}', d.options
    FROM flexdb_declarations d
    CROSS JOIN LATERAL (SELECT data #> d.paths[1]::text[] AS value) m
    CROSS JOIN LATERAL (
        SELECT NULL::bigint AS place, m.value AS content
        UNION ALL
        SELECT e.place, e.item
        FROM jsonb_array_elements(CASE jsonb_typeof(m.value) WHEN 'array' THEN m.value ELSE '[]' END)
             WITH ORDINALITY e (item, place)
    ) t
    WHERE d.tenant_id = of_tenant AND d.node_type_id = of_type AND d.kind = 'search'
      AND jsonb_typeof(t.content) = 'string';
END $$;

-- How text becomes words, the same in every locale of a database. What is written with spaces is split
-- where there is neither a letter nor a digit; of scripts without spaces each character becomes a word
-- with the next one, and the last one a word by itself.
DO $$
DECLARE
    -- Spaces, punctuation and symbols beyond ASCII.
    separators text := '\u0080-\u00a9\u00ab-\u00ac\u00ae-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7'
        '\u00f7\u037e\u0387\u055a-\u055f\u0589\u058a\u05be\u05c0\u05c3\u05c6\u05f3\u05f4\u060c\u061b-\u061f'
        '\u066a-\u066d\u06d4\u0964\u0965\u0e3f\u0e4f\u0e5a\u0e5b\u104a-\u104f\u1361-\u1368\u17d4-\u17d6'
        '\u17d8-\u17db\u2000-\u200b\u200e-\u205f\u20a0-\u20cf\u2190-\u245f\u2500-\u2bff\u2e00-\u2e7f'
        '\u3000-\u3004\u3008-\u3020\u3030\u303d-\u303f\u30a0\u30fb\ue000-\uf8ff\ufd3e\ufd3f\ufe00-\ufe1f'
        '\ufe30-\ufe6f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\uffe0-\ufffe\uffff'
        '\U0001f000-\U0001faff\U000e0000-\U000e0fff';
    -- Thai, Lao, Burmese, Khmer, Chinese, Japanese, Korean; in a run of these, marks too.
    unspaced text := '\u0e01-\u0e37\u0e40-\u0e47\u0e81-\u0eb7\u0ebd-\u0ec6\u1000-\u1036\u103b-\u103f'
        '\u1780-\u17d1\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f'
        '\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff';
    marks text := '\u0e38-\u0e3a\u0e48-\u0e4e\u0eb8-\u0ebc\u0ec8-\u0ece\u1037-\u103a\u17d2-\u17d3'
        '\u3099\u309a';
    -- The capitals that no decomposition makes of a letter and a mark, Greek, Cyrillic, Armenian and Latin,
    -- and their small letters; then letters that are folded further, and as what.
    capitals text := '~';
    smalls text := '~';
    strange text := '';
    known text := '';
    is_unicode constant boolean := getdatabaseencoding() = 'UTF8';
BEGIN
    IF is_unicode THEN
        SELECT string_agg(chr(r.first + i), ''), string_agg(chr(r.first + i + r.further), '')
        INTO capitals, smalls
        FROM (VALUES (913, 16, 32), (931, 8, 32), (1024, 15, 80), (1040, 31, 32), (1329, 37, 48), (198, 0, 32),
                     (208, 0, 32), (216, 0, 32), (222, 0, 32), (272, 0, 1), (294, 0, 1), (321, 0, 1), (330, 0, 1),
                     (338, 0, 1), (358, 0, 1), (7838, 0, -7615), (399, 0, 202), (1168, 0, 1), (1170, 0, 1),
                     (1174, 0, 1), (1178, 0, 1), (1186, 0, 1), (1198, 0, 1), (1200, 0, 1), (1210, 0, 1),
                     (1240, 0, 1), (1256, 0, 1)) r (first, last, further)
        CROSS JOIN LATERAL generate_series(0, r.last) i;
        SELECT string_agg(chr(f.strange), ''), string_agg(chr(f.known), '')
        INTO strange, known
        FROM (VALUES (248, 111), (322, 108), (273, 100), (240, 100), (295, 104), (305, 105), (962, 963),
                     (601, 101)) f (strange, known);
    ELSE
        -- Other encodings know nothing of Unicode: there, letters beyond ASCII are what they are.
        separators := '\x01';
        unspaced := '\x01';
        marks := '';
    END IF;
    -- A space for each character between words.
    EXECUTE format($function$
        CREATE OR REPLACE FUNCTION flexdb_search_split(given text) RETURNS text
        LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $body$
        BEGIN
            given := regexp_replace(given, '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]', ' ', 'g');
            IF octet_length(given) <> length(given) THEN
                given := regexp_replace(given, %L, ' ', 'g');
            END IF;
            RETURN given;
        END $body$
    $function$, format('[%s]', separators));
    -- The words of the first 32,768 characters, each cut at 64, in lower case: PostgreSQL has a limit for
    -- both, and what combines marks takes the square of how many follow one another.
    EXECUTE format($function$
        CREATE OR REPLACE FUNCTION flexdb_search_words(given text) RETURNS text
        LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $body$
        DECLARE
            words text := flexdb_search_split(left(given, 32768));
            is_plain boolean := octet_length(words) = length(words);
        BEGIN
            IF length(words) > 64 THEN
                words := regexp_replace(words, %1$L, '\1', 'g');
            END IF;
            IF %9$L AND NOT is_plain THEN
                words := lower(normalize(
                    regexp_replace(words, '[\u00ad\u200c\u200d\u2060\ufeff]', '', 'g'), NFKD) COLLATE "C");
                IF words ~ %3$L THEN
                    words := translate(words, %4$L, %5$L);
                END IF;
                -- Some characters are made of many, and of others than letters.
                words := regexp_replace(
                    flexdb_search_split(left(normalize(words, NFKC), 32768)), %1$L, '\1', 'g');
                IF words ~ %6$L THEN
                    words := regexp_replace(words, %7$L, ' \& ', 'g');
                    words := regexp_replace(words, %8$L, '\& \&', 'g');
                END IF;
            END IF;
            RETURN lower(words COLLATE "C");
        END $body$
    $function$, format('([^ %1$s]{64})[^ %1$s]+', unspaced), '', format('[%s]', capitals), capitals, smalls,
        format('[%s]', unspaced), format('[%1$s][%1$s%2$s]*', unspaced, marks),
        format('(?<=[%1$s%2$s])[%1$s%2$s]', unspaced, marks), is_unicode);
    -- Lexemes without their accents, so that Cafe with an accent is found without, and the other way round;
    -- behind the dictionaries of a language, which know its accents.
    EXECUTE format($function$
        CREATE OR REPLACE FUNCTION flexdb_search_fold(lexemes text) RETURNS text
        LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $body$
        BEGIN
            IF NOT %1$L OR octet_length(lexemes) = length(lexemes) THEN
                RETURN lexemes;
            END IF;
            lexemes := replace(replace(replace(lexemes, chr(223), 'ss'), chr(230), 'ae'), chr(339), 'oe');
            RETURN normalize(regexp_replace(normalize(translate(lexemes, %2$L, %3$L), NFD),
                '[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]', '', 'g'), NFC);
        END $body$
    $function$, is_unicode, strange, known);
    -- A search for words, as flexdb/query/search.py gives it: {"text", "not", "prefix"}, in alternatives of
    -- which one is to be found, and each of its terms; NULL where none is left. It takes long enough that
    -- it is made before the rows are read.
    EXECUTE format($function$
        CREATE OR REPLACE FUNCTION flexdb_search_query(language regconfig, code text, search jsonb)
        RETURNS tsquery LANGUAGE plpgsql STABLE PARALLEL SAFE COST 100000
        -- Of stop words alone PostgreSQL makes a notice.
        SET client_min_messages = error AS $body$
        DECLARE
            alternative jsonb;
            term jsonb;
            words text;
            made text;
            wanted tsquery;
            unwanted tsquery;
            found tsquery;
        BEGIN
            FOR alternative IN SELECT jsonb_array_elements(search) LOOP
                wanted := NULL;
                unwanted := NULL;
                FOR term IN SELECT jsonb_array_elements(alternative) LOOP
                    words := flexdb_search_words(term ->> 'text');
                    made := flexdb_search_fold(phraseto_tsquery(language, words)::text);
                    IF term @> '{"prefix": true}' THEN
                        -- As it is written, since what is not written to its end has no stem; and as a word.
                        words := flexdb_search_fold(phraseto_tsquery('pg_catalog.simple', words)::text);
                        made := concat_ws(' | ', nullif(nullif(made, words), ''), nullif(words, '') || ':*');
                    END IF;
                    CONTINUE WHEN made = '';
                    IF octet_length(made) <> length(made) THEN
                        -- The last character of a run stands in the word before it too; alone, it is to be
                        -- found wherever it stands.
                        made := regexp_replace(made, %1$L, '\1', 'g');
                        made := regexp_replace(made, %2$L, '\1:*', 'g');
                    END IF;
                    made := regexp_replace(made, '''([^'']+)''', concat('''', code, '\1'''), 'g');
                    IF term @> '{"not": true}' THEN
                        unwanted := coalesce(unwanted || made::tsquery, made::tsquery);
                    ELSE
                        wanted := coalesce(wanted && made::tsquery, made::tsquery);
                    END IF;
                END LOOP;
                IF unwanted IS NOT NULL THEN
                    wanted := wanted && !!unwanted;
                END IF;
                found := coalesce(found || wanted, found, wanted);
            END LOOP;
            RETURN found;
        END $body$
    $function$, format('(''[%1$s%2$s]{2}'') <-> ''[%1$s%2$s]''(?!:)', unspaced, marks),
        format('(''[%1$s%2$s]{1,2}'')(?!:)', unspaced, marks));
    -- Where the words of a search stand in a node, in characters: at most 100 places.
    EXECUTE format($function$
        CREATE OR REPLACE FUNCTION flexdb_search_highlights(
            of_tenant uuid, of_type uuid, data jsonb, query tsquery)
        RETURNS json LANGUAGE sql STABLE PARALLEL SAFE AS $body$
            WITH wanted AS MATERIALIZED (
                SELECT w.found[1] AS lexeme, w.found[2] IS NOT NULL AS is_prefix
                FROM regexp_matches(querytree(query), '''.{8}([^'']+)''(:\*)?', 'g') w (found)
            ), pieces AS (
                -- Of scripts without spaces each character.
                SELECT t.rule, t.place, t.options, p.found[1] AS piece, p.number,
                       p.found[1] ~ %1$L AS is_unspaced
                FROM flexdb_search_texts(of_tenant, of_type, data) t
                CROSS JOIN LATERAL regexp_matches(
                    flexdb_search_split(left(t.content, 32768)), %2$L, 'g')
                    WITH ORDINALITY p (found, number)
            ), placed AS (
                SELECT p.rule, p.place, p.options, p.is_unspaced,
                       sum(length(p.piece)) OVER walk - length(p.piece) AS start,
                       concat(p.piece, CASE WHEN p.is_unspaced AND lead(p.is_unspaced) OVER walk
                                            THEN lead(p.piece) OVER walk END) AS word
                FROM pieces p
                WINDOW walk AS (PARTITION BY p.rule, p.place ORDER BY p.number)
            ), found AS (
                SELECT d.options, d.word,
                       max(CASE WHEN d.is_unspaced THEN length(w.lexeme) ELSE length(d.word) END) AS length
                FROM (SELECT DISTINCT p.options, p.is_unspaced, p.word FROM placed p) d
                CROSS JOIN LATERAL (
                    SELECT CASE WHEN d.is_unspaced
                        THEN ARRAY[flexdb_search_fold(split_part(btrim(flexdb_search_words(d.word)), ' ', 1))]
                        ELSE tsvector_to_array(flexdb_search_vector(
                            flexdb_search_language(d.options), '', d.word)) END AS lexemes
                    OFFSET 0
                ) m
                JOIN wanted w ON w.lexeme = ANY (m.lexemes) OR w.is_prefix AND EXISTS (
                    SELECT FROM unnest(m.lexemes) l (lexeme) WHERE starts_with(l.lexeme, w.lexeme))
                GROUP BY d.options, d.word
            ), marked AS (
                -- Of characters that are found with the one before and the one behind, one place.
                SELECT p.rule, p.place, p.start, p.start + f.length AS after,
                       p.start < max(p.start + f.length) OVER (
                           PARTITION BY p.rule, p.place ORDER BY p.start
                           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS goes_on
                FROM placed p
                JOIN found f ON f.options = p.options AND f.word = p.word
            ), numbered AS (
                SELECT m.rule, m.place, m.start, m.after, count(*) FILTER (WHERE m.goes_on IS NOT TRUE)
                       OVER (PARTITION BY m.rule, m.place ORDER BY m.start) AS number
                FROM marked m
            ), told AS (
                SELECT n.rule, n.place, min(n.start) AS start, max(n.after) - min(n.start) AS length
                FROM numbered n
                GROUP BY n.rule, n.place, n.number
                ORDER BY n.rule, n.place, start
                LIMIT 100
            )
            SELECT coalesce(json_agg(json_build_object(
                'path', concat_ws('.', (flexdb_members(t.rule))[1], t.place - 1),
                'start', t.start, 'length', t.length) ORDER BY t.rule, t.place, t.start), '[]')
            FROM told t
        $body$
    $function$, format('[%s]', unspaced || marks), format('[%1$s]| +|[^ %1$s]+', unspaced || marks));
END $$;

-- Make the words of a node what its data says; without data it has none.
CREATE OR REPLACE FUNCTION flexdb_derive_search(of_tenant uuid, of_type uuid, of_node uuid, data jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    -- A word that nothing is found by keeps phrases from going on from one text to the next.
    gap constant text := repeat('0', 64);
    code constant text := flexdb_search_code(of_tenant, of_type);
    made tsvector;
BEGIN
    IF data IS NOT NULL THEN
        SELECT flexdb_search_vector(flexdb_search_language((array_agg(t.options))[1]), code,
                                    string_agg(t.content, concat(' ', gap, ' ') ORDER BY t.rule, t.place))
        INTO made
        FROM flexdb_search_texts(of_tenant, of_type, data) t;
        made := ts_delete(made, code || gap);
    END IF;
    IF coalesce(made, '') = '' THEN
        DELETE FROM flexdb_search s
        WHERE s.tenant_id = of_tenant AND s.node_type_id = of_type AND s.node_id = of_node;
    ELSE
        INSERT INTO flexdb_search AS s (tenant_id, node_type_id, node_id, words)
        VALUES (of_tenant, of_type, of_node, made)
        ON CONFLICT (tenant_id, node_type_id, node_id) DO UPDATE SET words = excluded.words
        WHERE s.words <> excluded.words;
    END IF;
END $$;

-- Make the words of all nodes of a type anew, once its rules are others.
CREATE OR REPLACE FUNCTION flexdb_fill_search(of_tenant uuid, of_type uuid, added text[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    node record;
BEGIN
    DELETE FROM flexdb_search s WHERE s.tenant_id = of_tenant AND s.node_type_id = of_type;
    IF EXISTS (SELECT FROM flexdb_declarations d
               WHERE d.tenant_id = of_tenant AND d.node_type_id = of_type AND d.kind = 'search') THEN
        FOR node IN
            SELECT n.id, n.data
            FROM nodes n
            WHERE n.tenant_id = of_tenant AND n.node_type_id = of_type
        LOOP
            PERFORM flexdb_derive_search(of_tenant, of_type, node.id, node.data);
        END LOOP;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION flexdb_forget_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM flexdb_search s;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER flexdb_forget_search AFTER TRUNCATE ON nodes
FOR EACH STATEMENT EXECUTE FUNCTION flexdb_forget_search();

-- What types say that are there already.
DO $$ BEGIN PERFORM flexdb_declare_types('%"x-search"%'); END $$;
