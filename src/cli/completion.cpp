#include "cli/completion.hpp"

#include <CLI/CLI.hpp>
#include <map>

namespace tarn::cli {
namespace {

// "tarn s3" -> the words that may follow: subcommands and options.
void collect(CLI::App& app, const std::string& path, std::map<std::string, std::string>& words) {
  std::string& mine = words[path];
  for (CLI::App* sub : app.get_subcommands([](CLI::App*) { return true; })) {
    mine += sub->get_name() + " ";
    collect(*sub, path + " " + sub->get_name(), words);
  }
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) mine += "--" + name + " ";
}

std::string bash(const std::map<std::string, std::string>& words) {
  std::string out =
      "_tarn() {\n  local cur=${COMP_WORDS[COMP_CWORD]} path= word words\n"
      "  for word in \"${COMP_WORDS[@]:0:COMP_CWORD}\"; do [[ $word == -* ]] || path+=${path:+ }${word##*/}; done\n"
      "  while :; do\n    case $path in\n";
  for (const auto& [path, list] : words) out += "      \"" + path + "\") words=\"" + list + "\"; break ;;\n";
  return out +
         "      *\\ *) path=${path% *} ;;\n      *) return ;;\n    esac\n  done\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n  [[ ${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen "
         "-f -- \"$cur\"))\n}\n"
         "complete -o filenames -F _tarn tarn\n";
}

std::string fish(const std::map<std::string, std::string>& words) {
  std::string out;
  for (const auto& [path, list] : words) {
    std::string condition =
        path == "tarn" ? "__fish_use_subcommand" : "__fish_seen_subcommand_from " + path.substr(path.rfind(' ') + 1);
    out += "complete -c tarn -n '" + condition + "' -a '" + list + "'\n";
  }
  return out;
}

}  // namespace

std::string completion_script(CLI::App& app, const std::string& shell) {
  std::map<std::string, std::string> words;
  collect(app, "tarn", words);
  if (shell == "fish") return fish(words);
  // zsh runs bash's function by its own emulation.
  return shell == "zsh" ? "autoload -U +X bashcompinit && bashcompinit\n" + bash(words) : bash(words);
}

}  // namespace tarn::cli
