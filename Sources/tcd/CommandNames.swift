internal import ArgumentParser

/// The names of the commands, for an answer to one that does not exist. The parser takes the name of a missing command
/// for a superfluous argument, and shows the help of `tcd` for `tcd help NAME`.
enum CommandNames {
    /// The error for the first word of `arguments` that stands where a command should, and names none; nil where all do.
    static func error(in arguments: some Sequence<String>) -> UsageError? {
        var command: any ParsableCommand.Type = Tcd.self
        var path = "tcd"
        var isHelp = false
        for word in arguments {
            let children = command.configuration.subcommands
            guard !children.isEmpty, !word.hasPrefix("-") else { return nil }
            if word == "help", command == Tcd.self, !isHelp {
                isHelp = true
                continue
            }
            guard let child = children.first(where: { $0._commandName == word }) else {
                // Where a command can be left out the word may be an argument of the one that then runs.
                guard command.configuration.defaultSubcommand == nil else { return nil }
                return unknown(word, below: path, among: children.map { $0._commandName })
            }
            command = child
            path += " " + word
        }
        return nil
    }

    private static func unknown(_ word: String, below path: String, among names: [String]) -> UsageError {
        let nearest = names.map { ($0, distance(word, $0)) }.min { $0.1 < $1.1 }
        let guess = nearest.flatMap { $0.1 <= 2 && $0.1 < word.count ? "did you mean '\(path) \($0.0)'? " : nil } ?? ""
        return UsageError(
            "'\(VerdictReport.shown(word))' is not a command of '\(path)'",
            remedy: "\(guess)'\(path) --help' lists the commands")
    }

    /// How many letters have to be added, removed, replaced or exchanged with their neighbours.
    private static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.utf8.prefix(64)), Array(right.utf8.prefix(64)))
        var before: [Int] = []
        var above = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            for column in right.indices {
                let isSame = left[row] == right[column]
                var best = min(above[column] + (isSame ? 0 : 1), above[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = min(best, before[column - 1] + 1)
                }
                current.append(best)
            }
            (before, above) = (above, current)
        }
        return above[right.count]
    }
}
