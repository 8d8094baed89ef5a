// Definitions in Hive's DDL, as Athena takes it (its reference's pages "CREATE TABLE", "ALTER TABLE ADD PARTITION",
// "SHOW COLUMNS", ...). Identifiers stand in backticks, texts in single or double quotes.
#include "base/error.hpp"
#include "query/dialect/names.hpp"
#include "query/dialect/parser_state.hpp"

namespace tarn::dialect {

namespace {
template <class Node>
Statement wrap(Node node) {
  Statement out;
  out.node = std::move(node);
  return out;
}
}  // namespace

Statement Parser::hive_statement() {
  if (accept("CREATE")) return hive_create();
  if (accept("DROP")) return hive_drop();
  if (accept("SHOW")) return hive_show();
  if (accept("ALTER")) return alter();
  if (at("DESCRIBE") || at("DESC")) {
    next_++;
    if (accept("VIEW")) return wrap(DescribeView{hive_table()});
    return wrap(describe());
  }
  expect("MSCK");
  expect("REPAIR");
  expect("TABLE");
  return wrap(MsckRepair{hive_table()});
}

TableReference Parser::hive_table() {
  return table_name();
}

Properties Parser::hive_properties() {
  Properties out;
  expect("(");
  do {
    std::string name = text();
    expect("=");
    out.emplace_back(std::move(name), text());
  } while (accept(","));
  expect(")");
  return out;
}

// ---- CREATE

Statement Parser::hive_create() {
  if (accept("DATABASE") || accept("SCHEMA")) return wrap(create_database());
  bool external = accept("EXTERNAL");
  expect("TABLE");
  return wrap(create_table(external));
}

CreateDatabase Parser::create_database() {
  CreateDatabase node;
  if (looks_like(0, "IF", "NOT", "EXISTS")) {
    next_ += 3;
    node.if_not_exists = true;
  }
  node.name = lower_case(identifier().name);
  if (accept("COMMENT")) node.comment = text();
  if (accept("LOCATION")) node.location = text();
  if (accept("WITH")) {
    expect("DBPROPERTIES");
    node.properties = hive_properties();
  }
  return node;
}

CreateExternalTable Parser::create_table(bool external) {
  CreateExternalTable node;
  node.external = external;
  if (looks_like(0, "IF", "NOT", "EXISTS")) {
    next_ += 3;
    node.if_not_exists = true;
  }
  node.table = hive_table();
  if (at("(")) node.columns = column_definitions();
  table_clauses(node);
  return node;
}

void Parser::table_clauses(CreateExternalTable& table) {
  // Hive fixes the order of these; Athena takes them as its own page lists them, and so does this, but in any order.
  while (true) {
    Position start = here();
    auto once = [&](bool taken) {
      if (taken) fail_at(start, "this clause is given twice");
    };
    if (accept("COMMENT")) {
      once(table.comment.has_value());
      table.comment = text();
    } else if (accept("PARTITIONED")) {
      once(!table.partition_columns.empty() || !table.partition_transforms.empty());
      expect("BY");
      partitioned_by(table);
    } else if (accept("CLUSTERED")) {
      once(!table.clustered_by.empty());
      expect("BY");
      clustered_by(table);
    } else if (accept("ROW")) {
      once(table.delimited || table.serde);
      expect("FORMAT");
      row_format(table);
    } else if (accept("STORED")) {
      once(table.stored_as || table.input_format);
      expect("AS");
      if (accept("INPUTFORMAT")) {
        table.input_format = text();
        expect("OUTPUTFORMAT");
        table.output_format = text();
      } else {
        table.stored_as = upper_case(identifier().name);
      }
    } else if (looks_like(0, "WITH", "SERDEPROPERTIES")) {
      next_ += 2;
      once(!table.serde_properties.empty());
      table.serde_properties = hive_properties();
    } else if (accept("LOCATION")) {
      once(table.location.has_value());
      table.location = text();
    } else if (accept("TBLPROPERTIES")) {
      once(!table.table_properties.empty());
      table.table_properties = hive_properties();
    } else {
      return;
    }
  }
}

void Parser::row_format(CreateExternalTable& table) {
  if (accept("SERDE")) {
    table.serde = text();
    if (accept("WITH")) {
      expect("SERDEPROPERTIES");
      table.serde_properties = hive_properties();
    }
    return;
  }
  expect("DELIMITED");
  CreateExternalTable::Delimited& format = table.delimited.emplace();
  while (true) {
    if (accept("FIELDS")) {
      expect("TERMINATED");
      expect("BY");
      format.fields = text();
      if (accept("ESCAPED")) {
        expect("BY");
        format.escaped = text();
      }
    } else if (accept("COLLECTION")) {
      expect("ITEMS");
      expect("TERMINATED");
      expect("BY");
      format.collection_items = text();
    } else if (accept("MAP")) {
      expect("KEYS");
      expect("TERMINATED");
      expect("BY");
      format.map_keys = text();
    } else if (accept("LINES")) {
      expect("TERMINATED");
      expect("BY");
      format.lines = text();
    } else if (accept("NULL")) {
      expect("DEFINED");
      expect("AS");
      format.null_value = text();
    } else {
      return;
    }
  }
}

void Parser::partitioned_by(CreateExternalTable& table) {
  // (dt string, ...) of Hive's tables; (dt, day(ts), bucket(16, id)) of Iceberg's.
  bool typed = is_identifier(1) && !looks_at(",", 2) && !looks_at(")", 2) && !looks_at("(", 2);
  if (typed) {
    table.partition_columns = column_definitions();
    return;
  }
  expect("(");
  do {
    PartitionTransform transform;
    std::string first = lower_case(identifier().name);
    if (accept("(")) {
      transform.transform = first;
      if (token().kind == TokenKind::integer) {
        transform.argument = small_number();
        expect(",");
      }
      transform.column = lower_case(identifier().name);
      if (!transform.argument && accept(",")) transform.argument = small_number();
      expect(")");
    } else {
      transform.column = first;
    }
    table.partition_transforms.push_back(std::move(transform));
  } while (accept(","));
  expect(")");
}

void Parser::clustered_by(CreateExternalTable& table) {
  for (const Identifier& column : identifier_list()) table.clustered_by.push_back(lower_case(column.name));
  if (accept("SORTED")) {
    expect("BY");
    expect("(");
    do {
      std::string column = lower_case(identifier().name);
      bool descending = accept("DESC");
      if (!descending) accept("ASC");
      table.sorted_by.emplace_back(std::move(column), descending);
    } while (accept(","));
    expect(")");
  }
  expect("INTO");
  table.bucket_count = small_number();
  expect("BUCKETS");
}

std::vector<ColumnDefinition> Parser::column_definitions() {
  std::vector<ColumnDefinition> out;
  expect("(");
  do out.push_back(column_definition());
  while (accept(","));
  expect(")");
  return out;
}

ColumnDefinition Parser::column_definition() {
  ColumnDefinition out;
  out.name = identifier();
  out.name.name = lower_case(out.name.name);
  out.type = hive_type();
  if (accept("COMMENT")) out.comment = text();
  return out;
}

// The type's text goes to the catalog's own reader: from its first word to the end of its brackets.
TypeName Parser::hive_type() {
  Position start = here();
  record("<type>");
  if (token().kind != TokenKind::word) fail();
  next_++;
  if (looks_at("PRECISION")) next_++;
  if (looks_at("<") || looks_at("(")) {
    int open = 0;
    do {
      if (token().kind == TokenKind::end) fail();
      if (looks_at("<") || looks_at("(")) open++;
      if (looks_at(">") || looks_at(")")) open--;
      if (looks_at("<>")) fail();
      next_++;
    } while (open > 0);
  }
  TypeName out;
  out.at = start;
  try {
    out.type = parse_hive_type(text_since(start));
  } catch (const Error& error) {
    fail_at(start, error.message(), "INVALID_TYPE");
  }
  return out;
}

// ---- DROP, SHOW, DESCRIBE

Statement Parser::hive_drop() {
  bool database = accept("DATABASE") || accept("SCHEMA");
  if (!database) expect("TABLE");
  bool if_exists = false;
  if (looks_like(0, "IF", "EXISTS")) {
    next_ += 2;
    if_exists = true;
  }
  if (!database) return wrap(DropTable{hive_table(), if_exists});
  DropDatabase node;
  node.if_exists = if_exists;
  node.name = lower_case(identifier().name);
  node.cascade = accept("CASCADE");
  if (!node.cascade) accept("RESTRICT");
  return wrap(std::move(node));
}

Statement Parser::hive_show() {
  if (accept("DATABASES") || accept("SCHEMAS")) {
    ShowDatabases node;
    if (accept("LIKE")) node.pattern = text();
    return wrap(std::move(node));
  }
  if (at("TABLES") || at("VIEWS")) return show_tables();
  if (accept("COLUMNS")) {
    if (!accept("FROM")) expect("IN");
    ShowColumns node{hive_table()};
    if (accept("FROM") || accept("IN")) node.table.database = lower_case(identifier().name);
    return wrap(std::move(node));
  }
  if (accept("PARTITIONS")) {
    ShowPartitions node;
    node.table = hive_table();
    if (accept("PARTITION")) node.partition = partition_spec();
    return wrap(std::move(node));
  }
  if (accept("CREATE")) {
    if (accept("VIEW")) return wrap(ShowCreateView{hive_table()});
    expect("TABLE");
    return wrap(ShowCreateTable{hive_table()});
  }
  if (accept("TBLPROPERTIES")) {
    ShowTableProperties node;
    node.table = hive_table();
    if (accept("(")) {
      node.property = text();
      expect(")");
    }
    return wrap(std::move(node));
  }
  expect("FUNCTIONS");
  ShowFunctions node;
  if (accept("LIKE")) node.pattern = text();
  return wrap(std::move(node));
}

Statement Parser::show_tables() {
  bool views = accept("VIEWS");
  if (!views) expect("TABLES");
  std::optional<std::string> database, pattern;
  if (accept("IN") || accept("FROM")) database = lower_case(identifier().name);
  if (accept("LIKE") || token().kind == TokenKind::text) pattern = text();
  if (views) return wrap(ShowViews{database, pattern});
  return wrap(ShowTables{database, pattern});
}

Describe Parser::describe() {
  Describe node;
  bool detailed = (looks_at("EXTENDED") || looks_at("FORMATTED")) && is_identifier(1);
  if (detailed) {
    node.detail = looks_at("EXTENDED") ? Describe::Detail::extended : Describe::Detail::formatted;
    next_++;
  }
  node.table = hive_table();
  if (accept("PARTITION")) node.partition = partition_spec();
  if (is_identifier()) {
    node.column_path.push_back(lower_case(identifier().name));
    while (accept(".")) {
      bool marker = token().kind == TokenKind::symbol && looks_at("$");  // '$elem$', '$key$', '$value$'
      if (!marker) {
        node.column_path.push_back(lower_case(identifier().name));
        continue;
      }
      next_++;
      std::string name = lower_case(identifier().name);
      expect("$");
      node.column_path.push_back("$" + name + "$");
    }
  }
  return node;
}

// ---- ALTER

Statement Parser::alter() {
  if (accept("DATABASE") || accept("SCHEMA")) {
    AlterDatabase node;
    node.name = lower_case(identifier().name);
    expect("SET");
    expect("DBPROPERTIES");
    node.properties = hive_properties();
    return wrap(std::move(node));
  }
  expect("TABLE");
  return wrap(alter_table());
}

AlterTable Parser::alter_table() {
  AlterTable node;
  node.table = hive_table();
  PartitionSpec partition;
  if (accept("PARTITION")) partition = partition_spec();
  if (accept("ADD")) {
    if (partition.empty() && (at("IF") || at("PARTITION"))) {
      node.change = add_partitions();
    } else {
      expect("COLUMNS");
      node.change = AddColumns{partition, column_definitions()};
    }
  } else if (accept("DROP")) {
    if (accept("COLUMN")) {
      node.change = DropColumn{lower_case(identifier().name)};
    } else {
      node.change = drop_partitions();
    }
  } else if (accept("RENAME")) {
    expect("TO");
    if (accept("PARTITION")) {
      node.change = RenamePartition{partition, partition_spec()};
    } else {
      node.change = RenameTable{hive_table()};
    }
  } else if (accept("SET")) {
    if (accept("LOCATION")) {
      node.change = SetLocation{partition, text()};
    } else {
      expect("TBLPROPERTIES");
      node.change = SetTableProperties{hive_properties()};
    }
  } else if (accept("UNSET")) {
    expect("TBLPROPERTIES");
    UnsetTableProperties unset;
    expect("(");
    do unset.names.push_back(text());
    while (accept(","));
    expect(")");
    node.change = std::move(unset);
  } else if (accept("REPLACE")) {
    expect("COLUMNS");
    node.change = ReplaceColumns{partition, column_definitions()};
  } else {
    expect("CHANGE");
    accept("COLUMN");
    node.change = change_column();
  }
  return node;
}

AddPartitions Parser::add_partitions() {
  AddPartitions out;
  if (accept("IF")) {
    expect("NOT");
    expect("EXISTS");
    out.if_not_exists = true;
  }
  do {
    expect("PARTITION");
    AddPartitions::Partition partition;
    partition.values = partition_spec();
    if (accept("LOCATION")) partition.location = text();
    out.partitions.push_back(std::move(partition));
    accept(",");
  } while (at("PARTITION"));
  return out;
}

DropPartitions Parser::drop_partitions() {
  DropPartitions out;
  if (accept("IF")) {
    expect("EXISTS");
    out.if_exists = true;
  }
  do {
    expect("PARTITION");
    out.partitions.push_back(partition_spec(true));
  } while (accept(","));
  return out;
}

ChangeColumn Parser::change_column() {
  ChangeColumn out;
  out.name = lower_case(identifier().name);
  out.column = column_definition();
  out.first = accept("FIRST");
  if (!out.first && accept("AFTER")) out.after = lower_case(identifier().name);
  return out;
}

PartitionSpec Parser::partition_spec(bool comparisons) {
  PartitionSpec out;
  expect("(");
  do {
    PartitionValue value;
    value.column = lower_case(identifier().name);
    if (comparisons) {
      for (std::string_view op : {"<", "<=", ">", ">=", "<>", "!="}) {
        if (at(op)) value.op = op == "!=" ? "<>" : std::string(op);
      }
    }
    if (value.op == "=") {
      expect("=");
    } else {
      next_++;
    }
    value.value = partition_value();
    out.push_back(std::move(value));
  } while (accept(","));
  expect(")");
  return out;
}

// A text, a number as written, or DATE 'text'.
std::string Parser::partition_value() {
  if (token().kind == TokenKind::text) return text();
  if ((looks_at("DATE") || looks_at("TIMESTAMP")) && token(1).kind == TokenKind::text) {
    next_++;
    return text();
  }
  std::string sign = looks_at("-") ? "-" : "";
  if (!sign.empty()) next_++;
  record("<string>");
  record("<number>");
  TokenKind kind = token().kind;
  if (kind != TokenKind::integer && kind != TokenKind::decimal && kind != TokenKind::floating) fail();
  return sign + std::string(tokens_[next_++].raw);
}

}  // namespace tarn::dialect
