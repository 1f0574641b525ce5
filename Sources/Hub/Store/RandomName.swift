/// Names that nobody can guess and that come once.
enum RandomName {
    /// So many hexadecimal digits.
    static func hexadecimal(_ count: Int, using generator: inout some RandomNumberGenerator) -> String {
        var digits: [UInt8] = []
        digits.reserveCapacity(count)
        while digits.count < count {
            var word = generator.next()
            for _ in 0..<min(16, count - digits.count) {
                let digit = UInt8(word & 0x0f)
                digits.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
                word >>= 4
            }
        }
        return String(decoding: digits, as: UTF8.self)
    }

    static func hexadecimal(_ count: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        return hexadecimal(count, using: &generator)
    }
}
