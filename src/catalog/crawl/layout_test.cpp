#include "catalog/crawl/layout.hpp"

#include <gtest/gtest.h>

namespace tarn::catalog::crawl {
namespace {

// A file with columns "name:type,…".
FoundFile file(std::string key, std::string_view columns, Format format = Format::csv) {
  FoundFile f;
  f.key = std::move(key);
  f.finding.format = format;
  f.finding.header = true;
  f.finding.records = 10;
  f.finding.size_bytes = 100;
  while (!columns.empty()) {
    auto end = std::min(columns.find(','), columns.size());
    auto one = columns.substr(0, end);
    auto colon = one.find(':');
    auto type = one.substr(colon + 1);
    std::string name(one.substr(0, colon));
    f.finding.columns.push_back({name, name, type == "?" ? DataType() : DataType::scalar(type), ""});
    columns.remove_prefix(std::min(end + 1, columns.size()));
  }
  return f;
}

// "place name [keys] (values)(values) columns" for each table.
std::vector<std::string> plan(std::string_view include, std::vector<FoundFile> files, LayoutOptions options = {}) {
  std::vector<std::string> out;
  for (const auto& t : lay_out("lake", include, files, options)) {
    std::string text = t.place + " " + t.name;
    if (!t.partition_keys.empty()) {
      text += " [";
      for (const auto& k : t.partition_keys) text += (text.back() == '[' ? "" : ",") + k;
      text += "]";
      for (const auto& p : t.partitions) {
        text += "(";
        for (const auto& v : p.values) text += (text.back() == '(' ? "" : ",") + v;
        text += ")";
      }
    }
    for (const auto& c : t.schema.columns) text += " " + c.name + ":" + hive_text(c.type);
    out.push_back(text);
  }
  return out;
}
using Tables = std::vector<std::string>;

const char* suppliers = "nombre_proveedor:string,tipo_energia:string";
const char* customers = "tipo_identificacion:string,identificacion:bigint,nombre:string,ciudad:string";

TEST(Layout, FoldersWithOtherSchemasAreOtherTables) {
  EXPECT_EQ(
      plan("bronze/", {file("bronze/clientes/fecha=2024-01-01/clientes.csv", customers),
                       file("bronze/clientes/fecha=2024-01-02/clientes.csv", customers),
                       file("bronze/proveedores/fecha=2024-01-01/proveedores.csv", suppliers)}),
      (Tables{
          "bronze/clientes/ clientes [fecha](2024-01-01)(2024-01-02) tipo_identificacion:string identificacion:bigint "
          "nombre:string ciudad:string",
          "bronze/proveedores/ proveedores [fecha](2024-01-01) nombre_proveedor:string tipo_energia:string"}));
}

TEST(Layout, ASingleFolderIsOneTableAtTheIncludePath) {
  EXPECT_EQ(plan("silver/", {file("silver/ventas/part-0.parquet", "a:int", Format::parquet)}),
            (Tables{"silver/ silver [partition_0](ventas) a:int"}));
  EXPECT_EQ(plan("silver/", {file("silver/compras/p.parquet", "a:int,b:int", Format::parquet),
                             file("silver/ventas/p.parquet", "x:int,y:int", Format::parquet)}),
            (Tables{"silver/compras/ compras a:int b:int", "silver/ventas/ ventas x:int y:int"}));
  EXPECT_EQ(plan("", {file("t/f.csv", "a:int")}), (Tables{" lake [partition_0](t) a:int"}));
  EXPECT_EQ(plan("x/y/", {file("x/y/f.csv", "a:int")}), (Tables{"x/y/ y a:int"}));
}

TEST(Layout, SimilarFoldersArePartitions) {
  EXPECT_EQ(plan("f/", {file("f/table1/p1/a", "a:int,b:int"), file("f/table1/p2/a", "a:int,b:int"),
                        file("f/table2/p4/a", "a:int,b:int")}),
            (Tables{"f/ f [partition_0,partition_1](table1,p1)(table1,p2)(table2,p4) a:int b:int"}));
  // Four of five columns are enough, two of three are not.
  EXPECT_EQ(
      plan("f/", {file("f/x/a", "a:int,b:int,c:int,d:int"), file("f/y/a", "a:int,b:int,c:int,d:int,e:int")}).size(),
      1u);
  EXPECT_EQ(plan("f/", {file("f/x/a", "a:int,b:int"), file("f/y/a", "a:int,b:int,c:int")}).size(), 2u);
  EXPECT_EQ(plan("f/", {file("f/x/a", "a:int,b:int"), file("f/y/a", "a:int,b:int", Format::json)}).size(), 2u);
}

TEST(Layout, PartitionsMergeTheirTypes) {
  EXPECT_EQ(plan("t/", {file("t/year=2023/month=01/a", "a:bigint,b:?"), file("t/year=2023/month=02/a", "a:double,b:?"),
                        file("t/year=2024/month=01/a", "a:bigint,b:string,c:boolean")}),
            (Tables{"t/ t [year,month](2023,01)(2023,02)(2024,01) a:double b:string c:boolean"}));
  auto t = lay_out("lake", "t/", {file("t/d=1/a", "a:bigint"), file("t/d=2/a", "a:string")}, {});
  EXPECT_EQ(hive_text(t.at(0).partitions.at(0).schema.columns.at(0).type), "bigint");
  EXPECT_EQ(t[0].schema.columns[0].votes.size(), 2u);
}

TEST(Layout, HiveFoldersNeedOneColumnInCommon) {
  EXPECT_EQ(plan("t/", {file("t/d=1/a", "a:int,b:int"), file("t/d=2/a", "a:int,x:int,y:int,z:int")}).size(), 1u);
  EXPECT_EQ(plan("t/", {file("t/d=1/a", "a:int,b:int"), file("t/d=2/a", "x:int")}).size(), 2u);
  LayoutOptions strict;
  strict.strict = true;
  EXPECT_EQ(plan("t/", {file("t/d=1/a", "a:int,b:int"), file("t/d=2/a", "a:int,x:int,y:int,z:int")}, strict).size(),
            2u);
}

TEST(Layout, HiveValuesAreUnescaped) {
  EXPECT_EQ(plan("t/", {file("t/City=S%C3%A3o%20Paulo/a", "a:int"), file("t/city=a%zz/a", "a:int")}),
            (Tables{"t/ t [city](São Paulo)(a%zz) a:int"}));
  EXPECT_EQ(plan("t/", {file("t/k=1/a", "a:int"), file("t/other/a", "a:int")}),
            (Tables{"t/ t [partition_0](k=1)(other) a:int"}));
}

TEST(Layout, DifferentFilesInOneFolderAreATableEach) {
  EXPECT_EQ(
      plan("data/",
           {file("data/airports.csv", "iata:string,name:string"), file("data/zip.csv", "zip:string,lat:double")}),
      (Tables{"data/airports.csv airports.csv iata:string name:string", "data/zip.csv zip.csv zip:string lat:double"}));
  EXPECT_EQ(plan("data/", {file("data/a.csv", "a:int"), file("data/b.csv", "a:int")}), (Tables{"data/ data a:int"}));
  EXPECT_EQ(plan("data/", {file("data/a.csv", "a:int"), file("data/b.csv", "a:int,b:int,c:int")}),
            (Tables{"data/ data a:int b:int c:int"}));
  EXPECT_EQ(plan("data/a.csv", {file("data/a.csv", "a:int")}), (Tables{"data/a.csv a.csv a:int"}));
}

TEST(Layout, FilesBesideSimilarFoldersMakeOneUnpartitionedTable) {
  EXPECT_EQ(plan("t/", {file("t/a.csv", "a:int"), file("t/old/b.csv", "a:int")}), (Tables{"t/ t a:int"}));
  EXPECT_EQ(plan("t/", {file("t/a.csv", "a:int"), file("t/other/b.csv", "x:int")}),
            (Tables{"t/a.csv a.csv a:int", "t/other/ other x:int"}));
}

TEST(Layout, TheTableLevelIsKept) {
  LayoutOptions options;
  options.table_level = 3;  // lake / t / x
  EXPECT_EQ(plan("t/", {file("t/x/p/a", "a:int"), file("t/y/p/a", "a:int")}, options),
            (Tables{"t/x/ x [partition_0](p) a:int", "t/y/ y [partition_0](p) a:int"}));
}

TEST(Layout, CompatibleSchemasCanBeCombined) {
  LayoutOptions options;
  options.combine_compatible = true;
  EXPECT_EQ(plan("t/", {file("t/x/a", "a:int,b:int"), file("t/y/a", "c:int")}, options),
            (Tables{"t/ t [partition_0](x)(y) a:int b:int c:int"}));
}

TEST(Layout, SchemasThatGrowAreOneTable) {
  std::vector<FoundFile> files;
  std::string columns = "c0:int,c1:int,c2:int,c3:int";
  for (int i = 4; i < 40; ++i) {
    files.push_back(file("t/" + std::to_string(100 + i) + "/a", columns));
    columns += ",c" + std::to_string(i) + ":int";
  }
  EXPECT_EQ(plan("t/", files).size(), 1u);
}

}  // namespace
}  // namespace tarn::catalog::crawl
