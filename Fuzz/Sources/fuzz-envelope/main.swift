import CFuzzer

// The first byte of an input picks what the rest is taken for; see `Attack`.
setUp()
var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
_ = LLVMFuzzerRunDriver(&count, &arguments) { data, size in
    guard let data, size > 0 else { return 0 }
    let bytes = UnsafeRawBufferPointer(start: data, count: size)
    Attack(rawValue: bytes[0] % UInt8(Attack.allCases.count))?.run(UnsafeRawBufferPointer(rebasing: bytes[1...]))
    return 0
}
