// The tables that a statement names.
#include <set>

#include "query/dialect/names.hpp"
#include "query/dialect/printer.hpp"

namespace tarn::dialect {

namespace {

// Walks statements, queries, relations and expressions; names of WITH hide tables where they are known.
class TableFinder {
 public:
  std::vector<TableReference> found;

  void add(const TableReference& table) {
    if (!table.catalog && !table.database) {
      for (const std::string& name : hidden_) {
        if (name == table.table) return;
      }
    }
    std::string key = table.catalog.value_or("") + "\n" + table.database.value_or("") + "\n" + table.table;
    if (seen_.insert(key).second) found.push_back(table);
    if (table.as_of_value) walk(*table.as_of_value);
  }

  void walk(const Query& query) {
    size_t before = hidden_.size();
    if (query.with) {
      for (const CommonTable& table : query.with->tables) {
        std::string name = lower_case(table.name.name);
        if (query.with->recursive) hidden_.push_back(name);
        walk(*table.query);
        if (!query.with->recursive) hidden_.push_back(name);
      }
    }
    walk(*query.body);
    walk(query.order_by);
    hidden_.resize(before);
  }

  void walk(const QueryBody& body) {
    if (auto* select = std::get_if<Select>(&body.node)) walk(*select);
    if (auto* operation = std::get_if<SetOperation>(&body.node)) {
      walk(*operation->left);
      walk(*operation->right);
    }
    if (auto* values = std::get_if<Values>(&body.node)) walk(values->rows);
    if (auto* table = std::get_if<TableBody>(&body.node)) add(table->table);
    if (auto* nested = std::get_if<NestedQuery>(&body.node)) walk(*nested->query);
  }

  void walk(const Select& select) {
    for (const RelationPtr& relation : select.from) walk(*relation);
    for (const SelectItem& item : select.items) {
      walk(item.expression);
      walk(item.all_of);
    }
    walk(select.where);
    for (const GroupingElement& element : select.group_by) {
      for (const std::vector<ExpressionPtr>& set : element.sets) walk(set);
    }
    walk(select.having);
    for (const NamedWindow& window : select.windows) walk(window.window);
  }

  void walk(const Relation& relation) {
    if (auto* table = std::get_if<TableReference>(&relation.node)) add(*table);
    if (auto* subquery = std::get_if<SubqueryRelation>(&relation.node)) walk(*subquery->query);
    if (auto* unnest = std::get_if<Unnest>(&relation.node)) walk(unnest->arrays);
    if (auto* call = std::get_if<TableFunctionCall>(&relation.node)) walk(call->arguments);
    if (auto* join = std::get_if<Join>(&relation.node)) {
      walk(*join->left);
      walk(*join->right);
      walk(join->on);
    }
  }

  void walk(const WindowSpecification& window) {
    walk(window.partition_by);
    walk(window.order_by);
  }
  void walk(const std::vector<SortItem>& items) {
    for (const SortItem& item : items) walk(item.key);
  }
  void walk(const std::vector<ExpressionPtr>& items) {
    for (const ExpressionPtr& item : items) walk(item);
  }
  void walk(const ExpressionPtr& expression) {
    if (expression) walk(*expression);
  }
  void walk(const Expression& expression) { std::visit(*this, expression.node); }

  void operator()(const Dereference& e) { walk(e.base); }
  void operator()(const Unary& e) { walk(e.operand); }
  void operator()(const Binary& e) { both(e.left, e.right); }
  void operator()(const Comparison& e) { both(e.left, e.right); }
  void operator()(const Logical& e) { walk(e.terms); }
  void operator()(const Not& e) { walk(e.operand); }
  void operator()(const Between& e) {
    walk(e.value);
    both(e.low, e.high);
  }
  void operator()(const InList& e) {
    walk(e.value);
    walk(e.items);
  }
  void operator()(const InSubquery& e) {
    walk(e.value);
    walk(*e.query);
  }
  void operator()(const Like& e) {
    both(e.value, e.pattern);
    walk(e.escape);
  }
  void operator()(const IsNull& e) { walk(e.value); }
  void operator()(const IsDistinctFrom& e) { both(e.left, e.right); }
  void operator()(const Exists& e) { walk(*e.query); }
  void operator()(const QuantifiedComparison& e) {
    walk(e.value);
    walk(*e.query);
  }
  void operator()(const ScalarSubquery& e) { walk(*e.query); }
  void operator()(const Case& e) {
    walk(e.operand);
    for (const WhenClause& when : e.whens) both(when.condition, when.result);
    walk(e.otherwise);
  }
  void operator()(const Cast& e) { walk(e.operand); }
  void operator()(const Extract& e) { walk(e.operand); }
  void operator()(const AtTimeZone& e) { both(e.operand, e.zone); }
  void operator()(const ArrayConstructor& e) { walk(e.items); }
  void operator()(const RowConstructor& e) { walk(e.items); }
  void operator()(const Subscript& e) { both(e.base, e.index); }
  void operator()(const Lambda& e) { walk(e.body); }
  void operator()(const Grouping& e) { walk(e.columns); }
  void operator()(const FunctionCall& e) {
    walk(e.arguments);
    walk(e.order_by);
    walk(e.filter);
    if (e.window) walk(*e.window);
  }
  void operator()(const JsonCall& e) {
    walk(e.input);
    for (const auto& [key, value] : e.members) both(key, value);
    both(e.empty_default, e.error_default);
  }

  // ---- Statements
  void operator()(const QueryStatement& s) { walk(*s.query); }
  void operator()(const CreateTableAs& s) {
    add(s.table);
    walk(*s.query);
  }
  void operator()(const InsertInto& s) {
    add(s.table);
    walk(*s.query);
  }
  void operator()(const CreateExternalTable& s) { add(s.table); }
  void operator()(const DropTable& s) { add(s.table); }
  void operator()(const CreateView& s) {
    add(s.view);
    walk(*s.query);
  }
  void operator()(const DropView& s) { add(s.view); }
  void operator()(const ShowColumns& s) { add(s.table); }
  void operator()(const ShowPartitions& s) { add(s.table); }
  void operator()(const ShowCreateTable& s) { add(s.table); }
  void operator()(const ShowCreateView& s) { add(s.view); }
  void operator()(const ShowTableProperties& s) { add(s.table); }
  void operator()(const Describe& s) { add(s.table); }
  void operator()(const DescribeView& s) { add(s.view); }
  void operator()(const MsckRepair& s) { add(s.table); }
  void operator()(const AlterTable& s) { add(s.table); }
  void operator()(const Unload& s) { walk(*s.query); }
  void operator()(const Explain& s) { std::visit(*this, s.statement->node); }
  void operator()(const Prepare& s) { std::visit(*this, s.statement->node); }
  void operator()(const Execute& s) { walk(s.parameters); }
  void operator()(const Delete& s) {
    add(s.table);
    walk(s.where);
  }
  void operator()(const Update& s) {
    add(s.table);
    for (const Assignment& assignment : s.assignments) walk(assignment.value);
    walk(s.where);
  }
  void operator()(const Merge& s) {
    add(s.table);
    walk(*s.source);
    walk(s.on);
    for (const MergeCase& one : s.cases) {
      walk(one.condition);
      for (const Assignment& assignment : one.assignments) walk(assignment.value);
      walk(one.values);
    }
  }
  void operator()(const Optimize& s) {
    add(s.table);
    walk(s.where);
  }
  void operator()(const Vacuum& s) { add(s.table); }
  template <class Other>
  void operator()(const Other&) {}

 private:
  void both(const ExpressionPtr& a, const ExpressionPtr& b) {
    walk(a);
    walk(b);
  }

  std::vector<std::string> hidden_;
  std::set<std::string> seen_;
};

}  // namespace

std::vector<TableReference> referenced_tables(const Statement& statement) {
  TableFinder finder;
  std::visit(finder, statement.node);
  return finder.found;
}

std::vector<TableReference> referenced_tables(const Query& query) {
  TableFinder finder;
  finder.walk(query);
  return finder.found;
}

}  // namespace tarn::dialect
