@testable import Fabric

/// `surface.json`.
struct SurfaceVectors: Decodable {
    let names: [Name]
    let canonicalNames: [Canonical]
    let comparisons: [Comparison]

    static func load() throws -> SurfaceVectors { try VectorFile(name: "surface.json").decode(SurfaceVectors.self) }

    struct Name: Decodable, Sendable {
        let name: String
        let tibetDrop: Fields?
        let cepABNF: Grammar?

        enum CodingKeys: String, CodingKey {
            case name
            case tibetDrop = "tibet_drop"
            case cepABNF = "cep_abnf"
        }
    }

    struct Grammar: Decodable, Sendable {
        let context: String
    }

    struct Canonical: Decodable, Sendable {
        let manifest: Fields
        let canonicalFilename: String

        enum CodingKeys: String, CodingKey {
            case manifest
            case canonicalFilename = "canonical_filename"
        }
    }

    struct Comparison: Decodable, Sendable {
        let filename: Fields?
        let manifest: Fields?
        let result: String

        enum CodingKeys: String, CodingKey {
            case filename = "filename_surface"
            case manifest = "manifest_surface"
            case result
        }
    }

    /// Four texts, each of which may be missing.
    struct Fields: Decodable, Sendable {
        let timeFragment: String?
        let context: String?
        let profile: String?
        let priority: String?

        enum CodingKeys: String, CodingKey {
            case timeFragment = "surface_time_fragment"
            case context = "surface_context"
            case profile = "surface_profile"
            case priority = "surface_priority"
        }

        var manifest: ManifestSurface {
            ManifestSurface(timeFragment: timeFragment, context: context, profile: profile, priority: priority)
        }

        var surface: Surface? {
            guard let timeFragment, let context, let profile, let priority else { return nil }
            return Surface(timeFragment: timeFragment, context: context, profile: profile, priority: priority)
        }
    }

    enum CodingKeys: String, CodingKey {
        case names
        case canonicalNames = "canonical_filename"
        case comparisons = "compare_surfaces"
    }
}
