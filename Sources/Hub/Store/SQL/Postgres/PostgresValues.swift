internal import CPostgres

/// The arguments of one statement as libpq takes them: texts that end in a zero byte, and raw bytes.
struct PostgresArguments {
    private var bytes: [UInt8] = []
    private var starts: [Int?] = []
    private var lengths: [Int32] = []
    private var formats: [Int32] = []

    init(_ values: [SQLValue]) {
        for value in values {
            switch value {
            case .null: add(nil, isBinary: false)
            case .integer(let number): add(Array(String(number).utf8), isBinary: false)
            case .real(let number): add(Array("\(number)".utf8), isBinary: false)
            case .text(let text): add(Array(text.utf8), isBinary: false)
            case .bytes(let raw): add(raw, isBinary: true)
            }
        }
    }

    private mutating func add(_ value: [UInt8]?, isBinary: Bool) {
        formats.append(isBinary ? 1 : 0)
        lengths.append(Int32(value?.count ?? 0))
        guard let value else {
            starts.append(nil)
            return
        }
        starts.append(bytes.count)
        bytes += value
        bytes.append(0)
    }

    func withPointers<Result>(
        _ body: (Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> Result
    ) -> Result {
        bytes.withUnsafeBytes { raw in
            let base = raw.bindMemory(to: CChar.self).baseAddress
            let pointers = starts.map { start in start.flatMap { base?.advanced(by: $0) } }
            return body(Int32(starts.count), pointers, lengths, formats)
        }
    }
}

extension SQLAnswer {
    /// What a result holds, whose values are in PostgreSQL's binary form.
    init(postgres result: OpaquePointer) {
        let width = PQnfields(result)
        let types = (0..<width).map { PQftype(result, $0) }
        rows = (0..<PQntuples(result)).map { row in
            SQLRow(
                values: (0..<width).map { column in
                    guard PQgetisnull(result, row, column) == 0, let start = PQgetvalue(result, row, column) else {
                        return .null
                    }
                    let length = Int(PQgetlength(result, row, column))
                    return SQLValue(
                        UnsafeRawBufferPointer(start: start, count: length), postgresType: types[Int(column)])
                })
        }
        changes = Int(String(cString: PQcmdTuples(result))) ?? 0
    }
}

extension SQLValue {
    /// A value of one of the types that the store's statements give; the numbers are those of `pg_type`.
    init(_ bytes: UnsafeRawBufferPointer, postgresType type: Oid) {
        switch type {
        // boolean
        case 16: self = .integer(bytes.first == 0 ? 0 : 1)
        // bytea
        case 17: self = .bytes(Array(bytes))
        // bigint, smallint, integer
        case 20, 21, 23: self = .integer(Self.integer(bytes))
        // double precision
        case 701: self = .real(Double(bitPattern: UInt64(bitPattern: Self.integer(bytes))))
        default: self = .text(String(decoding: bytes, as: UTF8.self))
        }
    }

    /// A number in network order, of 2, 4 or 8 bytes.
    private static func integer(_ bytes: UnsafeRawBufferPointer) -> Int64 {
        var value: Int64 = (bytes.first ?? 0) >= 0x80 ? -1 : 0
        for byte in bytes { value = value << 8 | Int64(byte) }
        return value
    }
}
