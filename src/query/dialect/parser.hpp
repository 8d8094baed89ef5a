// Text to tree: Trino's SQL as Athena's engine version 3 takes it, and Athena's Hive DDL.
//
// A lexer and a recursive-descent parser; nothing is replaced in the text. Safe to call from any thread. The tree owns
// copies of all text.
#pragma once

#include <string_view>

#include "query/dialect/statement.hpp"

namespace tarn::dialect {

// The statement in `sql`; one semicolon may end it. Throws Error (caller, SYNTAX_ERROR) in Trino's words, with the
// place:
//   line 1:10: mismatched input 'FORM'. Expecting: ',', 'EXCEPT', 'FROM', ... <EOF>
// StartQueryExecution answers such errors itself (InvalidRequestException); it starts no query.
Statement parse(std::string_view sql);

// A query alone: a view's text, say.
QueryPtr parse_query(std::string_view sql);

// An expression alone: an execution parameter of StartQueryExecution, say.
ExpressionPtr parse_expression(std::string_view sql);

}  // namespace tarn::dialect
