/// One line of a script: a verb with its words, and whether it is turned round by a `!`.
struct ScriptLine {
    let number: Int
    let isNegated: Bool
    let verb: String
    let words: [String]

    /// The lines of a script that say something. `#` begins a comment at the beginning of a line.
    static func parse(_ script: String) -> [ScriptLine] {
        script.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap { index, text in
            var words = split(text)
            guard let first = words.first, !first.hasPrefix("#") else { return nil }
            let isNegated = first == "!"
            if isNegated { words.removeFirst() }
            guard let verb = words.first else { return nil }
            return ScriptLine(number: index + 1, isNegated: isNegated, verb: verb, words: Array(words.dropFirst()))
        }
    }

    /// Words are separated by spaces; what stands in single quotes is one word, or a part of one.
    private static func split(_ line: Substring) -> [String] {
        var words: [String] = []
        var word: String?
        var isQuoted = false
        for character in line {
            switch character {
            case "'":
                isQuoted.toggle()
                word = word ?? ""
            case " " where !isQuoted:
                if let done = word { words.append(done) }
                word = nil
            default: word = (word ?? "") + String(character)
            }
        }
        if let word { words.append(word) }
        return words
    }
}
