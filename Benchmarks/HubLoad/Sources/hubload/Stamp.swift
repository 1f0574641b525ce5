import Glibc
import Synchronization

/// The moment of sending, carried in the payload, so that whoever receives knows how long it took.
enum Stamp {
    /// `@` and nineteen digits.
    static let length = 20

    /// Nanoseconds of a clock that all processes of a machine share and that never goes back.
    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// A text of `size` bytes that begins with the present moment.
    static func text(size: Int) -> String {
        let digits = String(now())
        let zeros = String(decoding: repeatElement(0x30 as UInt8, count: length - 1 - digits.count), as: UTF8.self)
        return "@" + zeros + digits + padding(max(0, size - length))
    }

    /// Whose making would otherwise cost more than the sending.
    private static let paddings = Mutex<[Int: String]>([:])

    private static func padding(_ size: Int) -> String {
        paddings.withLock { known in
            if let text = known[size] { return text }
            let text = String(decoding: repeatElement(0x78 as UInt8, count: size), as: UTF8.self)
            known[size] = text
            return text
        }
    }

    static func read(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> UInt64? {
        var value: UInt64 = 0
        for offset in 1..<length {
            let digit = bytes[index + offset] &- 0x30
            guard digit <= 9 else { return nil }
            value = value * 10 + UInt64(digit)
        }
        return value
    }
}
