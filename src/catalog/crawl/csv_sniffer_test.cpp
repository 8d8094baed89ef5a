#include "catalog/crawl/csv_sniffer.hpp"

#include <gtest/gtest.h>

namespace tarn::catalog::crawl {
namespace {

std::optional<CsvFinding> sniff(std::string_view text, CsvOptions options = {}) {
  CsvSniffer sniffer(text, true, options);
  if (!sniffer.is_csv()) return std::nullopt;
  // In small pieces, as a stream comes.
  for (std::size_t at = 0; at < text.size(); at += 7) sniffer.feed(text.substr(at, 7));
  return sniffer.finish();
}

// "name:type name:type", header or not in front.
std::string shape(std::string_view text, CsvOptions options = {}) {
  auto f = sniff(text, options);
  if (!f) return "no csv";
  std::string out = f->header ? "header" : "no header";
  for (const auto& c : f->columns) out += " " + c.name + ":" + hive_text(c.type);
  return out;
}

TEST(CsvSniffer, TypesAreVotedByEveryValue) {
  EXPECT_EQ(shape("id,price,name,ok\n1,2.5,a,true\n2,3,b,false\n"),
            "header id:bigint price:double name:string ok:boolean");
  EXPECT_EQ(shape("id,price\n1,2\n2,x\n"), "header id:bigint price:string");
  EXPECT_EQ(shape("a,b\n9223372036854775807,1\n9223372036854775808,1e5\n"), "header a:string b:double");
}

TEST(CsvSniffer, CodesWithLeadingZerosStayText) {
  std::string zip = "zip_code,latitude,city\n00501,40.92,Holtsville\n10001,40.7,New York\n";
  EXPECT_EQ(shape(zip), "header zip_code:string latitude:double city:string");
  CsvOptions strict;
  strict.strict = true;
  EXPECT_EQ(shape(zip, strict), "header zip_code:bigint latitude:double city:string");
  EXPECT_EQ(shape("iata,n\n00M,1\n01G,2\n"), "header iata:string n:bigint");
  EXPECT_EQ(shape("v,n\n0,0.5\n0,-0.25\n"), "header v:bigint n:double");
}

TEST(CsvSniffer, EmptyIsNoVoteAndWordsForNothingAreText) {
  EXPECT_EQ(shape("Cost,Speed,Damage\n,10,None\n5,,None\n"), "header cost:bigint speed:bigint damage:string");
  EXPECT_EQ(shape("a,b,c\n1,,x\n2,NA,x\n"), "header a:bigint b:string c:string");
  EXPECT_EQ(shape("a,b\n1,\n2,\n"), "header a:bigint b:string");
}

TEST(CsvSniffer, ColumnNamesAreFoldedAndMadeToDiffer) {
  EXPECT_EQ(shape("Date,Country, Exchange rate \n1971-01-01,Australia,0.8944\n1971-02-01,Australia,0.8898\n"),
            "header date:string country:string exchange rate:double");
  EXPECT_EQ(shape("A,a,a_1,\n1,2,3,4\n1,2,3,4\n"), "header a:bigint a_2:bigint a_1:bigint col3:bigint");
  EXPECT_EQ(shape(",x,y\n0,1,a\n1,2,b\n"), "header col0:bigint x:bigint y:string");  // an index without a name
}

TEST(CsvSniffer, QuotedCommasAndLineEndsDoNotShift) {
  auto f = sniff("nombre,ciudad,kwh\r\n\"Energía, S.A.\",Bogotá,5\r\n\"La \"\"Luz\"\"\nNorte\",Cali,7\r\n");
  ASSERT_TRUE(f);
  EXPECT_TRUE(f->quotes);
  EXPECT_EQ(f->records, 2u);
  EXPECT_EQ(f->odd_records, 0u);
  EXPECT_EQ(f->columns[2].name, "kwh");
  EXPECT_EQ(hive_text(f->columns[2].type), "bigint");
}

TEST(CsvSniffer, FindsTheDelimiter) {
  EXPECT_EQ(sniff("a;b;c\n1,5;2;x\n2,5;3;y\n")->dialect.delimiter, ';');
  EXPECT_EQ(sniff("a\tb\n1\tx, y\n2\tz\n")->dialect.delimiter, '\t');
  EXPECT_EQ(sniff("a|b\n1|x\n2|z\n")->dialect.delimiter, '|');
  EXPECT_EQ(sniff("a\x01"
                  "b\n1\x01x\n2\x01y\n")
                ->dialect.delimiter,
            '\x01');
  EXPECT_EQ(shape("just some text\nwithout structure\n"), "no csv");
  EXPECT_EQ(shape(""), "no csv");
}

TEST(CsvSniffer, TextAloneHasAHeaderUnlessStrict) {
  std::string text = "nombre_proveedor,tipo_energia\nEléctrica del Sur,Solar\n\"Vientos, S.A.\",Eólica\nHidro,Solar\n";
  EXPECT_EQ(shape(text), "header nombre_proveedor:string tipo_energia:string");
  CsvOptions strict;
  strict.strict = true;
  EXPECT_EQ(shape(text, strict), "no header col0:string col1:string");
  // A first line that is like the others is none.
  EXPECT_EQ(shape("Ana,Solar\nLuis,Solar\nEva,Eólica\n"), "no header col0:string col1:string");
  EXPECT_EQ(shape("ana@example.com,x\nluis@example.com,y\n"), "no header col0:string col1:string");
}

TEST(CsvSniffer, StrictWantsTwoRowsOfData) {
  CsvOptions strict;
  strict.strict = true;
  EXPECT_EQ(shape("a,b\n1,2\n", strict), "no csv");
  EXPECT_EQ(shape("a,b\n1,2\n"), "header a:bigint b:bigint");
  EXPECT_EQ(shape("a,b\n"), "header a:string b:string");
}

TEST(CsvSniffer, NumbersInTheFirstLineMeanNoHeader) {
  EXPECT_EQ(shape("1,a\n2,b\n"), "no header col0:bigint col1:string");
  EXPECT_EQ(sniff("1,a\n2,b\n")->records, 2u);
}

TEST(CsvSniffer, AClassifierDecides) {
  api::glue::CsvClassifier c;
  c.name = "c";
  c.delimiter = "|";
  c.contains_header = "PRESENT";
  CsvOptions options;
  options.classifier = &c;
  EXPECT_EQ(shape("x|y\na|b\nc|d\n", options), "header x:string y:string");
  c.contains_header = "ABSENT";
  EXPECT_EQ(shape("x|y\n1|2\n", options), "no header col0:string col1:string");
  c.header = std::vector<std::string>{"uno", "dos"};
  EXPECT_EQ(shape("1|2\n3|4\n", options), "no header uno:bigint dos:bigint");
  EXPECT_EQ(shape("1|2|3\n3|4|5\n", options), "no csv");
  EXPECT_EQ(shape("1,2\n3,4\n", options), "no csv");
  c.header.reset();
  c.allow_single_column = true;
  EXPECT_EQ(shape("1\n2\n", options), "no header col0:bigint");
  c.delimiter = ",";
  c.quote_symbol = "'";
  EXPECT_EQ(shape("'a,b',1\n'c,d',2\n", options), "no header col0:string col1:bigint");
  c.custom_datatype_configured = true;
  c.custom_datatypes = std::vector<std::string>{"DATE", "INT", "DECIMAL"};
  EXPECT_EQ(shape("2024-01-31,1,1.50\n2024-02-01,2,10\n", options), "no header col0:date col1:int col2:decimal(4,2)");
}

TEST(CsvSniffer, SaysWhatDecidedAType) {
  auto f = sniff("id,code\n1,17\n2,4B\n");
  EXPECT_EQ(f->columns[1].why, "'4B' at line 3");
  EXPECT_EQ(f->columns[0].why, "");
}

TEST(CsvSniffer, ReadsLatin1AndByteOrderMarks) {
  auto f = sniff("ano;descri\xe7\xe3o\n2023;S\xe3o\n2024;x\n");
  EXPECT_EQ(f->encoding, "ISO-8859-1");
  EXPECT_EQ(f->columns[1].name, "descrição");
  EXPECT_EQ(sniff("\xef\xbb\xbfid,n\n1,a\n2,b\n")->columns[0].name, "id");
}

TEST(CsvSniffer, AnUnclosedQuoteDoesNotSwallowTheFile) {
  auto f = sniff("size,n\n\"5 inch,1\n6 inch,2\n");
  ASSERT_TRUE(f);
  EXPECT_EQ(f->dialect.quote, '\0');
  EXPECT_EQ(f->records, 2u);
}

TEST(CsvSniffer, SamplesFromTheMiddleVoteToo) {
  std::string head = "id,n\n1,2\n3,4\n";
  CsvSniffer s(head, false, {});
  s.feed(head);
  s.skip_to_next_line();
  s.feed("garbage,9\n5,x\n");
  auto f = s.finish();
  ASSERT_TRUE(f);
  EXPECT_EQ(f->records, 3u);
  EXPECT_EQ(hive_text(f->columns[1].type), "string");
}

}  // namespace
}  // namespace tarn::catalog::crawl
