/**
 * Names for made-up students and courses, with the letters that real names have.
 *
 * @module
 */
import type { SeededRandom } from "./random.ts";

const FIRST_NAMES = [
  "Ada",
  "Aarav",
  "Amélie",
  "André",
  "Björk",
  "Chloé",
  "Daniel",
  "Đorđe",
  "Emma",
  "François",
  "Grace",
  "Gül",
  "Håkon",
  "Inés",
  "Ioannis",
  "José",
  "Jürgen",
  "Kwame",
  "Łukasz",
  "Mei",
  "Nguyệt",
  "Noah",
  "Ólafur",
  "Priya",
  "Renée",
  "Šárka",
  "Siân",
  "Søren",
  "Θεοδώρα",
  "Юлия",
  "Zoë",
  "愛子",
] as const;

const LAST_NAMES = [
  "Ångström",
  "Brontë",
  "Castañeda",
  "Çelik",
  "D'Angelo",
  "Dvořák",
  "García",
  "Goldberg",
  "Gruß",
  "Hansen",
  "Ibáñez",
  "Ivanova",
  "Khan",
  "Kowalski",
  "L'Hôpital",
  "Lovelace",
  "M'Baye",
  "Mensah",
  "Müller",
  "Nagy",
  "N'Diaye",
  "Nguyễn",
  "O'Brien",
  "O'Connor",
  "Ó Súilleabháin",
  "Παππάς",
  "Peña",
  "Şahin",
  "Smith",
  "Tanaka",
  "Weiß",
  "Żak",
] as const;

const LEVELS = [
  "Introduction to",
  "Foundations of",
  "Applied",
  "Advanced",
  "Topics in",
  "Seminar:",
] as const;

const SUBJECTS = [
  "Algebra",
  "Bézier Curves",
  "Café Culture",
  "Databases",
  "Euler's Formula",
  "Event Sourcing",
  "Fourier Analysis",
  "Gödel's Theorems",
  "Islamic Art",
  "Kant's Critiques",
  "Linguistics",
  "Möbius Strips",
  "Operating Systems",
  "Poincaré Maps",
  "Quantum Mechanics",
  "Schrödinger's Cat",
  "Statistics",
  "Te Reo Māori",
  "Thermodynamics",
  "Zoology",
] as const;

/** Who somebody is. */
export interface Person {
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string;
}

/**
 * Makes up a student.
 *
 * @param random Chooses the names.
 * @param index Number of the student, from 0: it makes the address unique.
 * @returns The names, and an address under a name reserved for examples.
 */
export function inventPerson(random: SeededRandom, index: number): Person {
  const firstName = random.pick(FIRST_NAMES);
  const lastName = random.pick(LAST_NAMES);
  const local = [firstName, lastName].map(toAscii).filter((part) => part)
    .join(".");
  return {
    firstName,
    lastName,
    email: `${local || "student"}.${index + 1}@example.edu`,
  };
}

/** What a course is about. */
export interface Subject {
  readonly name: string;
  readonly description: string;
}

/**
 * Makes up a course.
 *
 * @param random Chooses the subject.
 * @param index Number of the course, from 0.
 * @returns The name, which other courses may share, and a description.
 */
export function inventCourse(random: SeededRandom, index: number): Subject {
  const level = random.pick(LEVELS);
  const subject = random.pick(SUBJECTS);
  return {
    name: `${level} ${subject}`,
    description: `Course no. ${
      index + 1
    }: the students' own view of ${subject}`,
  };
}

/** The plain letters of a name, as far as it has any: "Siân" becomes "sian". */
function toAscii(name: string): string {
  return name.normalize("NFD").toLowerCase().replace(/[^a-z]/g, "");
}
