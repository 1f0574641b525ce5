/// What a part of a surface name may be made of (`surface.md`, sections 1 and 7).
enum SurfaceGrammar {
    /// Whether `part` is 1 to `limit` bytes of `[a-z0-9-]`.
    static func isPart(_ part: some Collection<UInt8>, atMost limit: Int) -> Bool {
        (1...limit).contains(part.count) && part.allSatisfy(isAllowed)
    }

    /// Whether `byte` is one of `[a-z0-9-]`.
    static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
    }

    /// CEP's three forms with a `0` for every digit. The calendar is not checked, as in every peer.
    private static let timeForms = ["0000-00-00", "0000-00-00t00-00z", "00000000t000000z"].map { Array($0.utf8) }

    /// Whether `fragment` is `YYYY-MM-DD`, `YYYY-MM-DDtHH-MMz` or `YYYYMMDDtHHMMSSz`.
    static func isCEPTime(_ fragment: some Collection<UInt8>) -> Bool {
        let zero = UInt8(ascii: "0")
        let shape = fragment.map { (zero...UInt8(ascii: "9")).contains($0) ? zero : $0 }
        return timeForms.contains(shape)
    }

    /// The UTC day that a fragment in one of CEP's forms names, as `YYYY-MM-DD`; nil for any other fragment.
    static func day(of fragment: String) -> String? {
        guard isCEPTime(fragment.utf8) else { return nil }
        let digits = fragment.utf8.filter { $0 != UInt8(ascii: "-") }.prefix(8).map { Character(UnicodeScalar($0)) }
        return String(digits[0..<4]) + "-" + String(digits[4..<6]) + "-" + String(digits[6..<8])
    }
}
