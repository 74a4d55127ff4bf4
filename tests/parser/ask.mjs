// Asks Microsoft's parser: reads JSON lines from standard input, writes one line for each.
//
// The first line is `{"tables": {"T": [["a", "long"], …]}}`; its answer is the functions that the
// parser has, each with lists of arguments to begin with. Each further line is `{"query": "…"}`;
// its answer is the columns of the result, or null, and what the parser refuses.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

// The parser is installed elsewhere than this file is.
const require = createRequire(process.env.PARSER_NODE);
require("@kusto/language-service-next/bridge.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.js");

const { Language } = globalThis.Kusto;
const { Symbols } = Language;

/** The members of a list of .NET. */
const members = (list) => (list ? globalThis.Bridge.toArray(list) : []);

/** The name of a value of an enumeration of .NET. */
const nameOf = (enumeration, value) =>
  Object.keys(enumeration).find((name) => enumeration[name] === value);

/** A type that a parameter takes, where the parser does not declare one. */
function typical(kind) {
  if (/Dynamic(Array|Bag)/.test(kind)) return "dynamic";
  if (/^String/.test(kind)) return "string";
  return /Real|Number/.test(kind) ? "real" : "long";
}

/** Parameters that are constants by the documentation, which the parser does not check. */
const CONSTANT = /^(accuracy|maxSize|offset|percentile)$/;

/** What to write for a parameter: a type, whether it has to be a constant, and maybe the text. */
function argument(parameter) {
  const declared = members(parameter.DeclaredTypes).map((type) => type.Name);
  const kind = nameOf(Symbols.ParameterTypeKind, parameter.TypeKind);
  const written = nameOf(Symbols.ArgumentKind, parameter.ArgumentKind);
  const values = members(parameter.Values);
  let text = null;
  if (written === "StarOnly") text = "*";
  else if (declared[0] === "type") text = "typeof(long)";
  else if (values.length > 0) text = declared[0] === "string" ? `'${values[0]}'` : `${values[0]}`;
  return {
    type: declared[0] ?? typical(kind),
    constant: /Constant|Literal/.test(written) || CONSTANT.test(parameter.Name),
    text,
  };
}

/** The shortest list of arguments of a signature, and one in which every parameter occurs. */
function lists(signature) {
  const parameters = members(signature.Parameters);
  const least = parameters.flatMap((one) => Array(one.MinOccurring).fill(argument(one)));
  const every = parameters.flatMap((one) => Array(Math.max(1, one.MinOccurring)).fill(argument(one)));
  return every.length > least.length ? [least, every] : [least];
}

/** What a catalogue holds that gives values, without what the service keeps to itself. */
function functions(catalogue) {
  return members(catalogue)
    .filter((found) => !found.Name.startsWith("__"))
    .map((found) => ({ name: found.Name, lists: members(found.Signatures).flatMap(lists) }))
    .filter(({ name }) => !/^(cluster|database|table|graph|entity_group)$/.test(name))
    .filter(({ name }) => !/^(external_table|materialized_view|stored_query_result)$/.test(name));
}

/**
 * The functions of advanced hunting that add to rows or look them up: parameters and columns, as
 * the pages of the service have them.
 */
const SERVICE = {
  FileProfile: [
    "(T: (*), hash: string = '', rows: long = 1000)",
    `{
      T | extend SHA1 = '', SHA256 = '', MD5 = '', FileSize = int(null),
        GlobalPrevalence = int(null), GlobalFirstSeen = datetime(null),
        GlobalLastSeen = datetime(null), Signer = '', Issuer = '', SignerHash = '',
        IsCertificateValid = bool(null), IsRootSignerMicrosoft = bool(null),
        SignatureState = '', IsExecutable = bool(null), ThreatName = '', Publisher = '',
        SoftwareName = '', ProfileAvailability = ''
    }`,
  ],
  SeenBy: ["(T: (*), device: string = '')", "{ T | extend SeenBy = dynamic(null) }"],
  DeviceFromIP: [
    "(T: (*), address: string = '', at: datetime = datetime(null))",
    "{ T | extend IP = '', DeviceId = '' }",
  ],
  AssignedIPAddresses: [
    "(device: string, at: datetime = datetime(null))",
    `{
      datatable(Timestamp: datetime, IPAddress: string, IPType: string,
        NetworkAdapterType: string, ConnectedNetworks: dynamic)[]
    }`,
  ],
};

/** What a query is analyzed with. */
function globals(tables) {
  const symbols = Object.entries(tables).map(([name, columns]) => {
    const schema = columns.map(([column, type]) => `['${column}']: ${type}`).join(", ");
    return new Symbols.TableSymbol.$ctor7(name, `(${schema})`, null);
  });
  for (const [name, [parameters, body]] of Object.entries(SERVICE)) {
    symbols.push(new Symbols.FunctionSymbol.$ctor16(name, parameters, body, null));
  }
  const database = new Symbols.DatabaseSymbol.ctor("database", symbols);
  const state = Language.GlobalState.Default.WithDatabase(database);
  // The options that each analysis sets and the cache that it would make anew: with them here its
  // tables of functions are made once.
  const options = state.ParseOptions.WithAlwaysProduceEndTokens(true);
  return state.WithParseOptions(options).WithCache();
}

/**
 * Whether a finding is about a column that is given to a function of the service: its pages write
 * `invoke FileProfile(SHA1, 1000)`, where a function of one's own would not see the column.
 */
function isColumnOfInvoke(query, found) {
  const before = query.slice(0, found.Start);
  const names = Object.keys(SERVICE).join("|");
  return found.Code === "KS142" && new RegExp(`\\binvoke\\s+(${names})\\s*\\(\\s*$`).test(before);
}

let state;

function answer(asked) {
  if (asked.tables) {
    state = globals(asked.tables);
    return {
      scalars: functions(Language.Functions.All),
      aggregates: functions(Language.Aggregates.All),
    };
  }
  const code = Language.KustoCode.ParseAndAnalyze(asked.query, state);
  const errors = members(code.GetDiagnostics())
    .filter((found) => found.Severity === "Error" && !isColumnOfInvoke(asked.query, found))
    .map((found) => `${found.Code}: ${found.Message}`);
  const result = code.ResultType;
  const columns = result?.Columns
    ? members(result.Columns).map((column) => [column.Name, column.Type?.Name ?? "unknown"])
    : null;
  return { columns, errors };
}

/** The answer; where the parser itself fails it has not accepted the query. */
function answerOrFailure(asked) {
  try {
    return answer(asked);
  } catch (error) {
    return { columns: null, errors: [`the parser fails: ${error.message ?? error}`] };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(answerOrFailure(JSON.parse(line)))}\n`);
}
