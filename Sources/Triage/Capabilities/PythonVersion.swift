/// The version of a Python package, in the grammar and the order of PEP 440.
package struct PythonVersion: Sendable, Comparable, Hashable {
    let epoch: Int
    let release: [Int]
    /// `a`, `b` or `rc`, and its number.
    let pre: (letter: String, number: Int)?
    let post: Int?
    let dev: Int?
    /// What stands after a plus, in its parts.
    let local: [String]

    /// Reads a version, leniently as packages spell theirs; nil for what is none.
    package init?(_ text: some StringProtocol) {
        let form =
            /[vV]?(?:(?<epoch>[0-9]{1,9})!)?(?<release>[0-9]{1,9}(?:\.[0-9]{1,9})*)(?:[-_.]?(?<letter>alpha|beta|preview|pre|rc|a|b|c)[-_.]?(?<pre>[0-9]{0,9}))?(?:-(?<bare>[0-9]{1,9})|[-_.]?(?<postword>post|rev|r)[-_.]?(?<post>[0-9]{0,9}))?(?:[-_.]?(?<devword>dev)[-_.]?(?<dev>[0-9]{0,9}))?(?:\+(?<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?/
        let trimmed = text.lowercased().trimmed
        guard let found = trimmed.wholeMatch(of: form)?.output else { return nil }
        let number = { (digits: Substring?) in digits.map { Int($0) ?? 0 } }
        epoch = number(found.epoch) ?? 0
        release = found.release.split(separator: ".").map { Int($0) ?? 0 }
        pre = found.letter.map { (Self.letters[String($0)] ?? "rc", number(found.pre) ?? 0) }
        post = number(found.bare) ?? found.postword.map { _ in number(found.post) ?? 0 }
        dev = found.devword.map { _ in number(found.dev) ?? 0 }
        local = found.local?.split { "-_.".contains($0) }.map(String.init) ?? []
    }

    private static let letters = ["alpha": "a", "a": "a", "beta": "b", "b": "b"]

    /// Whether it comes before the release that it prepares.
    var isPrerelease: Bool { pre != nil || dev != nil }

    /// The release without zeros at its end, which mean nothing.
    private var significant: [Int] {
        Array(release.reversed().drop { $0 == 0 }.reversed())
    }

    /// The number at `index` of the release; those that are not written are zero.
    func part(_ index: Int) -> Int { release.indices.contains(index) ? release[index] : 0 }

    /// Where it stands among those of one release: a development version of nothing else comes first, then alphas,
    /// betas and candidates, then the release itself, then what was posted after it.
    private var phase: (Int, Int) {
        if let pre { return (["a": 0, "b": 1][pre.letter] ?? 2, pre.number) }
        return post == nil && dev != nil ? (-1, 0) : (3, 0)
    }

    /// Everything that the order looks at but what stands after a plus.
    private func precedes(_ other: PythonVersion) -> Bool? {
        if epoch != other.epoch { return epoch < other.epoch }
        for index in 0..<max(release.count, other.release.count) where part(index) != other.part(index) {
            return part(index) < other.part(index)
        }
        if phase != other.phase { return phase < other.phase }
        if post != other.post { return (post ?? -1) < (other.post ?? -1) }
        if dev != other.dev { return (dev ?? .max) < (other.dev ?? .max) }
        return nil
    }

    package static func < (left: PythonVersion, right: PythonVersion) -> Bool {
        left.precedes(right) ?? precedes(left.local, right.local)
    }

    /// Parts that are numbers come after words, and in the order of their values.
    private static func precedes(_ left: [String], _ right: [String]) -> Bool {
        for (one, other) in zip(left, right) where one != other {
            switch (Int(one), Int(other)) {
            case (let one?, let other?): if one != other { return one < other }
            case (nil, _?): return true
            case (_?, nil): return false
            case (nil, nil): return one < other
            }
        }
        return left.count < right.count
    }

    package static func == (left: PythonVersion, right: PythonVersion) -> Bool {
        left.precedes(right) == nil && left.local == right.local
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(epoch)
        hasher.combine(significant)
    }

    /// The same version without what stands after a plus.
    func isSamePublic(as other: PythonVersion) -> Bool { precedes(other) == nil }
}

extension StringProtocol {
    /// The text without white space around it.
    var trimmed: String {
        var text = Substring(self)
        while let first = text.first, first.isWhitespace { text = text.dropFirst() }
        while let last = text.last, last.isWhitespace { text = text.dropLast() }
        return String(text)
    }
}
