/// Why a surface name cannot be written.
public enum SurfaceError: ExplainedError {
    /// The field is empty.
    case empty(SurfaceField)
    /// The field is longer than a writer may make it; bytes.
    case tooLong(SurfaceField, count: Int, limit: Int)
    /// The field holds a character that cannot be in a surface name.
    case illegalCharacter(SurfaceField, Character, in: String)
    /// The time fragment has none of CEP's forms.
    case badTime(String)
    /// The name was used before, and is too long to be made unique.
    case noFreeName(ArrivalName)
    /// The names that were used before cannot be read or written.
    case ledger(SystemFailure)

    public var category: FailureCategory {
        switch self {
        case .ledger(let failure): failure.category
        case .noFreeName: .cannotCreate
        default: .usage
        }
    }

    public var explanation: String {
        switch self {
        case .empty(let field): "the surface \(field.label) is empty"
        case .tooLong(let field, let count, let limit):
            "the surface \(field.label) has \(count) bytes where \(limit) are allowed"
        case .illegalCharacter(let field, let character, let text):
            "the surface \(field.label) '\(DisplayText.line(text))' holds \(Self.name(of: character))"
        case .badTime(let text): "'\(DisplayText.line(text))' is not a surface time"
        case .noFreeName(let name): "the name '\(name)' was used before, and is too long to be made unique"
        case .ledger(let failure): "cannot remember the names that were used: \(failure.explanation)"
        }
    }

    public var remedy: String? {
        switch self {
        case .empty: "give at least one letter or digit"
        case .tooLong: "shorten it"
        case .illegalCharacter: "use letters a to z, digits and hyphens"
        case .badTime: "use YYYY-MM-DD, YYYY-MM-DDtHH-MMz or YYYYMMDDtHHMMSSz, in UTC"
        case .noFreeName: "choose a shorter name"
        case .ledger(let failure): failure.remedy
        }
    }

    private static func name(of character: Character) -> String {
        let codes = character.unicodeScalars.map { "U+" + Self.padded($0.value) }.joined(separator: " ")
        return character.unicodeScalars.contains(where: DisplayText.isHidden) ? codes : "'\(character)' (\(codes))"
    }

    private static func padded(_ value: UInt32) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}

extension SurfaceField {
    /// The word for the field in messages.
    var label: String {
        switch self {
        case .timeFragment: "time"
        case .context: "context"
        case .profile: "profile"
        case .priority: "priority"
        }
    }
}
