// How RocksDB is set up for the index.
#pragma once

#include <vector>

#include "store/index.hpp"

namespace rocksdb {
struct DBOptions;
struct ColumnFamilyDescriptor;
}  // namespace rocksdb

namespace tarn::store {

rocksdb::DBOptions database_options(rocksdb::Env* env, Index::Age age);
// Those of Family, in its order.
std::vector<rocksdb::ColumnFamilyDescriptor> family_descriptors();

}  // namespace tarn::store
